import Shared
import SystemPackage

/// The request on standard input.
enum RequestInput {
    /// At most 4 MiB: a request is a configuration and a few passwords.
    ///
    /// - Throws: `protocol.violation`.
    static func read() throws -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= 4 << 20 {
            let count = try buffer.withUnsafeMutableBytes { try FileDescriptor.standardInput.read(into: $0) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
        throw PgafError(
            .protocolViolation, "The request on standard input is longer than 4 MiB.",
            remedy: "Use --config FILE when you run the agent by hand.")
    }
}
