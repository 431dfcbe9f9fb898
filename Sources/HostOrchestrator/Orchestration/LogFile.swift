import Shared
import SystemPackage

/// A log that only grows, with a limit, so that a tool that never stops talking cannot fill the disk.
final class LogFile {
    private let path: String
    private let file: FileDescriptor
    private var room: Int

    /// - Parameter limit: bytes; what would go beyond is left out, and a last line says so.
    /// - Throws: `file.failed`, `disk.full`.
    init(_ path: String, limit: Int = 64 << 20) throws {
        self.path = path
        room = limit
        file = try PgafError.onFile("write", path) {
            try FileDescriptor.open(
                FilePath(path), .writeOnly, options: [.create, .append, .closeOnExec],
                permissions: [.ownerReadWrite])
        }
    }

    /// Adds one line.
    func add(_ line: String) throws {
        guard room > 0 else { return }
        let bytes = Array(line.utf8) + [UInt8(ascii: "\n")]
        room -= bytes.count
        let last = room > 0 ? bytes : Array("… the log is full, the rest is left out\n".utf8)
        _ = try PgafError.onFile("write", path) { try file.writeAll(last) }
    }

    deinit { try? file.close() }
}
