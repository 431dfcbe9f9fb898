/// A command line as a value: built by pure functions, compared whole in tests, run by a `CommandRunner`.
public struct Command: Sendable, Equatable {
    /// Name looked up in PATH, or an absolute path.
    public var executable: String
    public var arguments: [String]
    /// Values added to the inherited environment; never secrets of long-lived processes.
    public var environment: [String: String]
    /// Text given on standard input, which is closed after it; nil means no input at all.
    public var input: Secret?
    public var workingDirectory: String?
    /// After this time the process group gets TERM, then KILL; nil means no limit.
    public var deadline: Duration?

    public init(
        _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:], input: Secret? = nil,
        workingDirectory: String? = nil, deadline: Duration? = .seconds(600)
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.input = input
        self.workingDirectory = workingDirectory
        self.deadline = deadline
    }

    /// The command as one would type it, for messages; input and environment are left out.
    public var display: String {
        ([executable] + arguments).map(ShellQuoting.quoteIfNeeded).joined(separator: " ")
    }
}

/// What a finished process left behind; output is limited to the last 4 MiB of each stream.
public struct CommandResult: Sendable, Equatable {
    /// Exit status; 128 + signal number when a signal ended it, as shells count.
    public var status: Int32
    public var standardOutput: String
    public var standardError: String

    public init(status: Int32 = 0, standardOutput: String = "", standardError: String = "") {
        self.status = status
        self.standardOutput = standardOutput
        self.standardError = standardError
    }

    public var succeeded: Bool { status == 0 }

    /// Standard output without white space at either end.
    public var trimmedOutput: String { standardOutput.trimmed }

    /// The last lines that a person would want to see: standard error if there is any, else standard output.
    public func lastLines(_ count: Int = 12) -> [String] {
        let text = standardError.trimmed.isEmpty ? standardOutput : standardError
        return text.split(whereSeparator: \.isNewline).suffix(count).map(String.init)
    }

    /// Whether one of the last lines has one of these words in it.
    public func tells(_ words: [String], within count: Int = 12) -> Bool {
        lastLines(count).contains { line in words.contains { line.contains($0) } }
    }
}

extension StringProtocol {
    /// The text without white space and newlines at either end.
    public var trimmed: String {
        var view = self[...]
        while let first = view.first, first.isWhitespace { view.removeFirst() }
        while let last = view.last, last.isWhitespace { view.removeLast() }
        return String(view)
    }
}
