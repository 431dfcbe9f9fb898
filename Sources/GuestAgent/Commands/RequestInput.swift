import Shared
import SystemPackage

/// The request on standard input.
enum RequestInput {
    /// At most 4 MiB: a request is a configuration and a few passwords.
    ///
    /// - Throws: `protocol.violation`.
    static func read() throws -> [UInt8] {
        guard let bytes = try FileDescriptor.standardInput.readToEnd(upTo: 4 << 20) else {
            throw PgafError(
                .protocolViolation, "The request on standard input is longer than 4 MiB.",
                remedy: "Use --config FILE when you run the agent by hand.")
        }
        return bytes
    }
}
