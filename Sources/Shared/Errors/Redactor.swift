/// Replaces known secrets in texts of tools before they are shown or stored: the last line of defence, not the first.
public struct Redactor: Sendable {
    private let needles: [String]

    /// - Parameter secrets: values to hide; those shorter than 4 characters are ignored, since hiding them would
    ///   garble every text and protect nothing.
    public init(_ secrets: [Secret] = []) {
        needles = Set(secrets.map(\.revealed)).filter { $0.count >= 4 }.sorted { $0.count > $1.count }
    }

    /// The text with every secret replaced by `••••`.
    public func redact(_ text: String) -> String {
        needles.reduce(text) { $0.replacingBytes(of: $1, with: "••••") }
    }

    /// The error with every text in it redacted.
    public func redact(_ error: PgafError) -> PgafError {
        PgafError(
            error.code, redact(error.message), remedy: redact(error.remedy), cause: error.cause.map(redact),
            output: error.output.map(redact))
    }
}
