import FoundationEssentials
import Shared
import SystemPackage

/// The events of one run in a file, `events.jsonl`, one line each.
public final class Journal: Sendable {
    private let descriptor: FileDescriptor
    private let durable: Bool

    /// - Parameters:
    ///   - directory: made with mode 0700 if it is not there.
    ///   - durable: whether the end of each step is on the disk before the run goes on.
    /// - Throws: `file.failed`, `disk.full`.
    public init(directory: String, files: MachineFiles, durable: Bool = false) throws {
        self.durable = durable
        try files.makeDirectory(directory)
        descriptor = try PgafError.onFile("write the journal in", directory) {
            try FileDescriptor.open(
                FilePath(files.place("\(directory)/events.jsonl")), .writeOnly,
                options: [.create, .append, .closeOnExec], permissions: [.ownerReadWrite])
        }
    }

    /// Appends one line.
    public func append(_ line: String, _ event: Event) throws {
        _ = try descriptor.writeAll(Array((line + "\n").utf8))
        switch event.body {
        case .stepFinished, .stepFailed, .result:
            if durable { try descriptor.synchronize() }
        default: break
        }
    }

    deinit { try? descriptor.close() }
}
