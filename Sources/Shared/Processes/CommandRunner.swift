/// The seam to other programs: one real implementation (`SubprocessRunner`) and one per test.
public protocol CommandRunner: Sendable {
    /// Runs the command to its end.
    ///
    /// - Parameter onLine: called for each line of either stream as it comes, without its line end; `\r` counts as one.
    /// - Throws: `PgafError` with `command.not-found` when there is no such program, `timeout` after the deadline;
    ///   `CancellationError` when the task was cancelled. A status other than 0 is not an error here.
    func run(_ command: Command, onLine: (@Sendable (String) async -> Void)?) async throws -> CommandResult
}

extension CommandRunner {
    public func run(_ command: Command) async throws -> CommandResult {
        try await run(command, onLine: nil)
    }

    /// Runs the command and throws when its status is not 0.
    ///
    /// - Throws: what `run` throws, and `PgafError(code)` with the tool's last lines.
    @discardableResult
    public func checked(
        _ command: Command, code: ErrorCode = .commandFailed, what: String? = nil, remedy: String,
        onLine: (@Sendable (String) async -> Void)? = nil
    ) async throws -> CommandResult {
        let result = try await run(command, onLine: onLine)
        guard result.succeeded else {
            throw PgafError(
                code, what ?? "`\(command.display)` failed.", remedy: remedy,
                cause: "`\(command.display)` ended with status \(result.status)", output: result.lastLines())
        }
        return result
    }
}
