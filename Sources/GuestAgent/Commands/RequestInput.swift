import Shared
import SystemPackage

/// The request on standard input.
enum RequestInput {
    /// At most 4 MiB: a request is a configuration and a few passwords.
    ///
    /// - Throws: `protocol.violation`; `file.unsafe` for a file that others may write or that belongs to another user.
    static func read() throws -> [UInt8] {
        if let (problem, mending) = MachineFiles.distrust(descriptor: FileDescriptor.standardInput.rawValue) {
            throw PgafError(
                .fileUnsafe, "The request's file on standard input cannot be trusted: \(problem).",
                remedy: "Look at what it says; then `\(mending)` it, and run the same command again.")
        }
        guard let bytes = try FileDescriptor.standardInput.readToEnd(upTo: 4 << 20) else {
            throw PgafError(
                .protocolViolation, "The request on standard input is longer than 4 MiB.",
                remedy: "Use --config FILE when you run the agent by hand.")
        }
        return bytes
    }
}
