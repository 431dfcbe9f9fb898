import Shared

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A log that only grows, with a limit, so that a tool that never stops talking cannot fill the disk.
final class LogFile {
    private let path: String
    private let descriptor: Int32
    private var room: Int

    /// - Parameter limit: bytes; what would go beyond is left out, and a last line says so.
    init(_ path: String, limit: Int = 64 << 20) throws {
        self.path = path
        room = limit
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw LocalFile.failure("write", path) }
    }

    /// Adds one line.
    func add(_ line: String) throws {
        guard room > 0 else { return }
        let bytes = Array(line.utf8) + [UInt8(ascii: "\n")]
        room -= bytes.count
        let last = room > 0 ? bytes : Array("… the log is full, the rest is left out\n".utf8)
        try LocalFile.append(last, to: descriptor, path: path)
    }

    deinit { close(descriptor) }
}
