import Subprocess

/// Runs commands with swift-subprocess: no shell, own session, both streams read as they come.
public struct SubprocessRunner: CommandRunner {
    /// Bytes kept of each stream; what is older is dropped.
    private let limit: Int

    public init(limit: Int = 4 << 20) { self.limit = limit }

    public func run(_ command: Command, onLine: (@Sendable (String) async -> Void)?) async throws -> CommandResult {
        guard let deadline = command.deadline else { return try await launch(command, onLine: onLine) }
        return try await withThrowingTaskGroup(of: CommandResult?.self) { group in
            group.addTask { try await launch(command, onLine: onLine) }
            group.addTask {
                // The program sleeps as well when its machine does.
                try await Task.sleep(for: deadline, clock: .suspending)
                return nil
            }
            defer { group.cancelAll() }
            if let finished = try await group.next(), let result = finished { return result }
            throw PgafError(
                .timeout, "`\(command.display)` did not end within \(deadline.brief).",
                remedy: "Look at what it waits for, then run the same command again.")
        }
    }

    private func launch(
        _ command: Command, onLine: (@Sendable (String) async -> Void)?
    ) async throws -> CommandResult {
        let configuration = Subprocess.Configuration(command)
        do {
            if let input = command.input {
                let input = SpentInput(input)
                return try await collect(
                    Subprocess.run(configuration, input: input, output: .sequence, error: .sequence) {
                        try await read($0.standardOutput, $0.standardError, onLine: onLine)
                    })
            }
            return try await collect(
                Subprocess.run(configuration, input: .none, output: .sequence, error: .sequence) {
                    try await read($0.standardOutput, $0.standardError, onLine: onLine)
                })
        } catch let error as SubprocessError {
            if Task.isCancelled { throw CancellationError() }
            throw PgafError.notStarted(command, error)
        }
    }

    private func collect<Output, Failure>(
        _ result: ExecutionResult<(String, String), Output, Failure>
    ) async throws -> CommandResult {
        try Task.checkCancellation()
        return CommandResult(
            status: result.terminationStatus.shellStatus, standardOutput: result.closureResult.0,
            standardError: result.closureResult.1)
    }

    private func read(
        _ output: SubprocessOutputSequence, _ error: SubprocessOutputSequence,
        onLine: (@Sendable (String) async -> Void)?
    ) async throws -> (String, String) {
        let drain = StreamDrain(limit: limit)
        async let first = drain.text(output, onLine: onLine)
        async let second = drain.text(error, onLine: onLine)
        return try await (first, second)
    }
}
