import FoundationEssentials
import Shared
import SystemPackage

/// The events of one run on the machine's own disk: `/var/lib/pgaf/runs/ID/events.jsonl`.
public final class Journal: Sendable {
    private let descriptor: FileDescriptor

    /// - Throws: `file.failed`, `disk.full`.
    public init(run: String, store: ClusterStore) throws {
        let directory = "\(store.root)/runs/\(run)"
        try store.files.makeDirectory(store.root)
        try store.files.makeDirectory(directory)
        do {
            descriptor = try FileDescriptor.open(
                FilePath(store.files.place("\(directory)/events.jsonl")), .writeOnly, options: [.create, .append],
                permissions: [.ownerReadWrite])
        } catch {
            throw PgafError(
                .fileFailed, "The journal in \(directory) cannot be written.",
                remedy: "Check the disk and the rights of \(store.root) on the machine.", cause: "\(error)")
        }
    }

    /// Appends one line; the end of a step and of the run are on the disk when this returns.
    public func append(_ line: String, _ event: Event) throws {
        _ = try descriptor.writeAll(Array((line + "\n").utf8))
        switch event.body {
        case .stepFinished, .stepFailed, .result: try MachineFiles().synchronize(descriptor)
        default: break
        }
    }

    deinit { try? descriptor.close() }
}
