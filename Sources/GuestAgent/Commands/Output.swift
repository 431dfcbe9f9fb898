import Shared
import SystemPackage

/// The agent's two streams: results and the protocol on standard output, people's text on standard error.
enum Output {
    static func line(_ text: String) { write(shown(text), to: .standardOutput) }

    /// A line as it is: of the protocol, or one that is cleaned already.
    ///
    /// - Throws: what the system says when the reader is gone.
    static func event(_ line: String) throws {
        _ = try FileDescriptor.standardOutput.writeAll(Array((line + "\n").utf8))
    }

    static func error(_ text: String) { write(shown(text), to: .standardError) }

    /// Lines for people: what clients make PostgreSQL or a tool say must not move their cursor or answer for their keyboard.
    static func shown(_ text: String) -> String { TerminalText.cleanLines(text) + "\n" }

    /// A value as one JSON object, keys sorted.
    static func json(_ value: some Encodable) throws { write(try JSONText.line(value) + "\n", to: .standardOutput) }

    /// A failure as `{"error": …}`.
    static func json(_ error: PgafError) throws { try json(["error": error]) }

    private static func write(_ text: String, to stream: FileDescriptor) {
        // A reader that went away does not end the work.
        _ = try? stream.writeAll(Array(text.utf8))
    }
}
