import Shared
import SystemPackage

/// The agent's two streams: results and the protocol on standard output, people's text on standard error.
enum Output {
    static func line(_ text: String) { write(text + "\n", to: .standardOutput) }
    /// A line of the protocol.
    ///
    /// - Throws: what the system says when the reader is gone.
    static func event(_ line: String) throws {
        _ = try FileDescriptor.standardOutput.writeAll(Array((line + "\n").utf8))
    }

    static func error(_ text: String) { write(text + "\n", to: .standardError) }

    /// A value as one JSON object, keys sorted.
    static func json(_ value: some Encodable) throws { line(try JSONText.line(value)) }

    /// A failure as `{"error": …}`.
    static func json(_ error: PgafError) throws { try json(["error": error]) }

    private static func write(_ text: String, to stream: FileDescriptor) {
        // A reader that went away does not end the work.
        _ = try? stream.writeAll(Array(text.utf8))
    }
}
