/// The one error type of pgaf: what failed, with which value, and what to type next.
///
/// It travels over the wire as part of events, so it is `Codable`; every text in it
/// may be shown to people and stored, and must therefore never contain a secret.
public struct PgafError: Error, Sendable, Codable, Equatable {
    /// Stable identifier, listed in the README; tests and programs match on it, never on texts.
    public var code: ErrorCode
    /// One sentence that says what failed and names the offending value.
    public var message: String
    /// What to type or change next.
    public var remedy: String
    /// What lies beneath: a tool's own words or a system error, if there is one.
    public var cause: String?
    /// The last lines of output of the tool that failed, oldest first.
    public var output: [String]

    public init(
        _ code: ErrorCode, _ message: String, remedy: String, cause: String? = nil, output: [String] = []
    ) {
        self.code = code
        self.message = message
        self.remedy = remedy
        self.cause = cause
        self.output = output
    }

    private enum CodingKeys: String, CodingKey {
        case code, message, remedy, cause, output
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        code = try container.decode(ErrorCode.self, forKey: .code)
        message = try container.decode(String.self, forKey: .message)
        remedy = try container.decode(String.self, forKey: .remedy)
        cause = try container.decodeIfPresent(String.self, forKey: .cause)
        output = try container.decodeIfPresent([String].self, forKey: .output) ?? []
    }

    /// Wraps anything thrown; a `PgafError` is passed through, cancellation keeps its own code.
    public static func wrapping(_ error: any Error, doing activity: String) -> PgafError {
        if let known = error as? PgafError { return known }
        if error is CancellationError {
            return PgafError(
                .cancelled, "Cancelled while \(activity).", remedy: "Run the same command again to go on.")
        }
        return PgafError(
            .internalError, "Something unexpected happened while \(activity).",
            remedy: "Run the same command again; if it happens again, report it with the log of this run.",
            cause: String(describing: error))
    }
}

extension PgafError: CustomStringConvertible {
    /// The error as people read it: message, cause, output, remedy, code.
    public var description: String {
        var lines = ["error: \(message)"]
        if let cause, !cause.isEmpty { lines.append("  cause: \(cause)") }
        if !output.isEmpty {
            lines.append("  last lines of output:")
            lines += output.map { "    \($0)" }
        }
        lines.append("  what to do: \(remedy)")
        lines.append("  code: \(code.rawValue)")
        return lines.joined(separator: "\n")
    }
}
