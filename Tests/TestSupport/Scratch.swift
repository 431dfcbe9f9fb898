import Foundation
import HostOrchestrator
import Shared
import Synchronization

/// A new empty directory.
package func scratchDirectory() throws -> String {
    var template = Array("\(NSTemporaryDirectory().trimmingSuffix("/"))/pgaf-test.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
        throw PgafError(.fileFailed, "No scratch directory.", remedy: "Look at TMPDIR.")
    }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}

/// The direct children of these processes, from /proc.
package func childProcesses(of parents: Set<Int32>) -> [Int32] {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return entries.compactMap { Int32($0) }.filter { pid in
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let fields = stat.split(separator: ")").last?.split(separator: " "), fields.count > 1,
            let parent = Int32(fields[1])
        else { return false }
        return parents.contains(parent)
    }
}

/// What a program wrote, whole.
package final class Recording: Sendable {
    package init() {}

    private let chunks = Mutex<(output: [UInt8], error: [UInt8])>(([], []))

    @Sendable package func take(_ chunk: OutputChunk) {
        chunks.withLock {
            switch chunk {
            case .standardOutput(let bytes): $0.output += bytes
            case .standardError(let bytes): $0.error += bytes
            }
        }
    }

    package var output: [UInt8] { chunks.withLock { $0.output } }
    package var error: [UInt8] { chunks.withLock { $0.error } }
    package var text: String { String(decoding: output, as: UTF8.self) }
}

/// Runs the operation and returns the `PgafError` that it must end with.
package func failure(_ operation: () async throws -> Void) async -> PgafError? {
    do {
        try await operation()
        return nil
    } catch {
        return error as? PgafError
    }
}

/// Waits until the program has written this text.
package func waitFor(_ text: String, in recording: Recording) async throws {
    _ = try await Wait(for: "\"\(text)\"", upTo: .seconds(10), every: .milliseconds(10), hint: "Look at the program.")
        .until { () -> Wait.Observation<Bool> in
            recording.text.contains(text) ? .found(true) : .notYet(recording.text)
        }
}
