import Foundation
import Shared
import TestSupport
import Testing

/// The runs of this machine, looked at from beside: what a test needs to break something at the right moment.
enum MachineRuns {
    private static let root = "/run/pgaf/runs"

    static var latest: String? {
        ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).filter(RunIdentifier.isOne).max()
    }

    static func events(of run: String) -> [Event] {
        let text = (try? String(contentsOfFile: "\(root)/\(run)/events.jsonl", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { try? EventCoding.decode(String($0)) }
    }

    static func result(of run: String) -> RunResult? {
        events(of: run).lazy.compactMap { if case .result(let result) = $0.body { result } else { nil } }.first
    }

    /// The working process, if it lives.
    static func owner(of run: String) -> pid_t? {
        let path = "\(root)/\(run)/owner"
        return FileLock.isHeld(path) ? FileLock.holder(path).flatMap { pid_t($0) } : nil
    }
}

extension PgafProject {
    /// Starts `up`, does something at the first event that fits, and waits for the end of both.
    ///
    /// - Parameters:
    ///   - more: further arguments of `up`.
    ///   - words: what the event is, for the report when it does not come.
    /// - Returns: the run, and the status of pgaf-host.
    func up(
        _ more: [String] = [], interruptedAt words: String, _ moment: @Sendable (Event) -> Bool,
        _ deed: (String) async throws -> Void
    ) async throws -> (run: String, status: Int32) {
        let before = MachineRuns.latest
        let host = try background(["up", "--progress", "none"] + more)
        let run = try await Wait(
            for: "\(words) to be reached", upTo: .seconds(300), every: .milliseconds(5), hint: ""
        )
        .until { () async throws -> Wait.Observation<String> in
            guard let run = MachineRuns.latest, run != before else { return .notYet("no new run") }
            let events = MachineRuns.events(of: run)
            if events.contains(where: moment) { return .found(run) }
            if case .result(let result) = events.last?.body {
                Issue.record("the run ended before \(words): \(String(describing: result.error))")
                return .found(run)
            }
            return .notYet("event \(events.count)")
        }
        try await deed(run)
        return (run, host.wait())
    }
}
