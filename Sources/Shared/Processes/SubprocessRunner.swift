import Subprocess
import SystemPackage

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
                try await Task.sleep(for: deadline)
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
        var options = PlatformOptions()
        // A session of its own, so that Ctrl-C in the terminal reaches pgaf alone and it decides what to end.
        options.createSession = true
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(5))]
        let changes = Dictionary(
            uniqueKeysWithValues: command.environment.map {
                (Environment.Key(stringLiteral: $0.key), Optional($0.value))
            })
        let configuration = Subprocess.Configuration(
            executable: command.executable.contains("/")
                ? .path(FilePath(command.executable)) : .name(command.executable),
            arguments: Arguments(command.arguments), environment: .inherit.updating(changes),
            workingDirectory: command.workingDirectory.map { FilePath($0) }, platformOptions: options)
        do {
            if let input = command.input {
                let input = SpentInput(text: input.revealed)
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
            throw PgafError(
                .commandNotFound, "The program \"\(command.executable)\" could not be started.",
                remedy: "Install it or correct PATH, then run the same command again.",
                cause: String(describing: error))
        }
    }

    private func collect<Output, Failure>(
        _ result: ExecutionResult<(String, String), Output, Failure>
    ) async throws -> CommandResult {
        let status: Int32 =
            switch result.terminationStatus {
            case .exited(let code): code
            case .signaled(let signal): 128 + signal
            }
        try Task.checkCancellation()
        return CommandResult(
            status: status, standardOutput: result.closureResult.0, standardError: result.closureResult.1)
    }

    private func read(
        _ output: SubprocessOutputSequence, _ error: SubprocessOutputSequence,
        onLine: (@Sendable (String) async -> Void)?
    ) async throws -> (String, String) {
        async let first = drain(output, onLine: onLine)
        async let second = drain(error, onLine: onLine)
        return try await (first, second)
    }

    private func drain(
        _ stream: SubprocessOutputSequence, onLine: (@Sendable (String) async -> Void)?
    ) async throws -> String {
        var kept: [UInt8] = []
        var splitter = LineSplitter()
        for try await buffer in stream {
            buffer.withUnsafeBytes { kept.append(contentsOf: $0) }
            if kept.count > 2 * limit { kept.removeFirst(kept.count - limit) }
            guard let onLine else { continue }
            let lines = buffer.withUnsafeBytes { splitter.append($0) }
            for line in lines { await onLine(line) }
        }
        if let onLine, let last = splitter.finish() { await onLine(last) }
        if kept.count > limit { kept.removeFirst(kept.count - limit) }
        return String(decoding: kept, as: UTF8.self)
    }
}
