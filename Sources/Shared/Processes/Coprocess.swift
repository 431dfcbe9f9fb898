import Subprocess

/// A program that stays and answers one text on its standard input after another, where starting it anew for each would
/// cost more than the answers (`docker exec … psql`).
///
/// It is started at once and ends with `close()`, with itself, or when an exchange is not answered in time. Exchanges are answered in the order in which they were asked.
public final class Coprocess: Sendable {
    /// What came of one exchange.
    public enum Answer: Sendable, Equatable {
        /// What the program printed before the end mark.
        case answered(String)
        /// The program ended first: its status and what it had printed.
        case ended(CommandResult)
    }

    private struct Exchange: Sendable {
        let text: Secret
        let mark: String
        let reply: CheckedContinuation<Answer, any Error>
    }

    private let requests: AsyncStream<Exchange>.Continuation
    private let life: Task<Void, Never>
    private let display: String

    /// - Parameter command: its `input` and `deadline` are not used.
    public init(_ command: Command) {
        display = command.display
        let (stream, requests) = AsyncStream.makeStream(of: Exchange.self)
        self.requests = requests
        life = Task {
            let end = await Self.live(command, stream)
            requests.finish()
            // Not in this task: a cancelled one reads nothing, and who asked would wait for ever.
            await Task.detached {
                for await left in stream { left.reply.resume(with: end) }
            }.value
        }
    }

    deinit {
        requests.finish()
        life.cancel()
    }

    /// Gives the program `text` and returns what it prints up to a line that is `mark`; the text has to make it print
    /// that line last.
    ///
    /// - Throws: `timeout` when no answer came within `deadline` (the program is ended then), `command.not-found`,
    ///   `CancellationError`.
    public func exchange(_ text: Secret, mark: String, deadline: Duration) async throws -> Answer {
        let overdue = Task { [life] in
            try await Task.sleep(for: deadline)
            life.cancel()
        }
        defer { overdue.cancel() }
        let start = ContinuousClock.now
        do {
            return try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { reply in
                    let exchange = Exchange(text: text, mark: mark, reply: reply)
                    if case .terminated = requests.yield(exchange) {
                        reply.resume(returning: .ended(CommandResult(status: 129)))
                    }
                }
            } onCancel: {
                life.cancel()
            }
        } catch is CancellationError where !Task.isCancelled && ContinuousClock.now - start >= deadline {
            throw PgafError(
                .timeout, "`\(display)` did not answer within \(deadline.brief).",
                remedy: "Look at what it waits for, then run the same command again.")
        }
    }

    /// Closes the program's input and waits for its end.
    public func close() async {
        requests.finish()
        await life.value
    }

    /// One life of the program.
    ///
    /// - Returns: how exchanges end that it did not come to.
    private static func live(_ command: Command, _ exchanges: AsyncStream<Exchange>) async -> Result<Answer, any Error>
    {
        do {
            let result = try await Subprocess.run(
                .init(command), input: .inputWriter, output: .sequence, error: .sequence
            ) { execution -> (unanswered: Exchange?, errors: String) in
                async let errors = StreamDrain(limit: 64 << 10).text(execution.standardError)
                var output = execution.standardOutput.makeAsyncIterator()
                var unanswered: Exchange?
                for await exchange in exchanges {
                    if await answer(exchange, &output, execution.standardInputWriter) { continue }
                    unanswered = exchange
                    break
                }
                try? await execution.standardInputWriter.finish()
                return (unanswered, try await errors)
            }
            let end = Answer.ended(
                CommandResult(status: result.terminationStatus.shellStatus, standardError: result.closureResult.errors))
            let outcome: Result<Answer, any Error> = Task.isCancelled ? .failure(CancellationError()) : .success(end)
            result.closureResult.unanswered?.reply.resume(with: outcome)
            return outcome
        } catch {
            return .failure(Task.isCancelled ? CancellationError() : PgafError.notStarted(command, error))
        }
    }

    /// Carries one exchange out.
    ///
    /// - Returns: false when the program's output ended before the mark.
    private static func answer(
        _ exchange: Exchange, _ output: inout SubprocessOutputSequence.AsyncIterator, _ input: StandardInputWriter
    ) async -> Bool {
        do {
            _ = try await input.write(Array(exchange.text.revealed.utf8))
        } catch {
            // It has ended, and says by its status and its words why.
            return false
        }
        let mark = Array((exchange.mark + "\n").utf8)
        var printed: [UInt8] = []
        while let buffer = await next(&output) {
            buffer.withUnsafeBytes { printed.append(contentsOf: $0) }
            if printed.suffix(mark.count).elementsEqual(mark) {
                exchange.reply.resume(
                    returning: .answered(String(decoding: printed.dropLast(mark.count), as: UTF8.self)))
                return true
            }
            guard printed.count <= Self.limit else { return false }
        }
        return false
    }

    /// The next piece of output; nil at its end, and when it cannot be read any more.
    private static func next(_ output: inout SubprocessOutputSequence.AsyncIterator) async
        -> SubprocessOutputSequence.Buffer?
    {
        do { return try await output.next() } catch { return nil }
    }

    /// The longest answer, in bytes.
    private static let limit = 4 << 20
}
