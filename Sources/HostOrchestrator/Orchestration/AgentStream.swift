import Shared

/// Reads what a running agent writes: events on standard output, people's text on standard error.
///
/// Distrusts everything: lines and their number are limited, numbers must have no gaps, the run must be ours, and
/// nothing may follow the result.
actor AgentStream {
    /// More than any real run by far (about 2,000 events); an agent beyond it is broken or hostile.
    static let maximumEvents = 1_000_000
    /// Of both streams; a real run has about 1 MiB.
    static let maximumBytes = 256 << 20
    static let keptErrorLines = 12

    private let recorder: RunRecorder
    /// The run whose events these must be; that of the first one where it is not known beforehand.
    private(set) var run: String?
    private var output = LineSplitter(limit: EventCoding.maximumLineLength + 1, breaksAtCarriageReturn: false)
    private var errors = LineSplitter()
    /// Number of the last event that was taken.
    private(set) var lastSequence: Int
    private(set) var result: RunResult?
    private let limit: Int
    private var taken = 0
    /// The last lines of standard error, oldest first.
    private(set) var lastErrorLines: [String] = []

    /// - Parameters:
    ///   - since: the events up to this number are known already.
    ///   - limit: bytes of both streams together.
    init(run: String?, since: Int = 0, limit: Int = AgentStream.maximumBytes, recorder: RunRecorder) {
        self.run = run
        self.recorder = recorder
        self.limit = limit
        lastSequence = since
    }

    /// Forgets what came of a line that the end of a connection cut: the next one begins with the whole event.
    func dropPartialLines() {
        _ = output.finish()
        _ = errors.finish()
    }

    /// Takes a piece of output as it comes.
    ///
    /// - Throws: `protocol.violation`, `protocol.mismatch`; reading should then end.
    func take(_ chunk: OutputChunk) async throws {
        taken += chunk.bytes.count
        guard taken <= limit else { throw violation("more than \(limit) bytes") }
        switch chunk {
        case .standardOutput(let bytes):
            for line in output.append(bytes) { try await take(line: line) }
        case .standardError(let bytes):
            for line in errors.append(bytes) { await take(errorLine: line) }
        }
    }

    /// Takes what was left without a line end, and judges how the agent ended.
    ///
    /// - Returns: the result of the run.
    /// - Throws: `agent.died` when there was none, `protocol.mismatch` when an agent of another release knows no such verb.
    func finish(_ status: RemoteStatus) async throws -> RunResult {
        if let line = errors.finish() { await take(errorLine: line) }
        // A line cut short is the trace of an agent that died while writing it; the error below says so.
        if let line = output.finish(), result == nil, (try? EventCoding.decode(line)) != nil {
            try await take(line: line)
        }
        if let result { return result }
        if lastSequence == 0, status == .exited(ErrorCode.usage.exitCode) {
            throw PgafError(
                .protocolMismatch, "The agent on the machine does not know what it was asked for.",
                remedy: "Run `pgaf-host up`; it installs the agent that belongs to this program.",
                output: lastErrorLines)
        }
        throw PgafError(
            .agentDied, "The agent ended without a result: \(status.words).",
            remedy: "Run `pgaf-host up` again; it goes on where this one stopped.",
            cause: lastSequence == 0 ? "it said nothing at all" : "its last event was number \(lastSequence)",
            output: lastErrorLines)
    }

    private func take(line: String) async throws {
        let event = try Event(agentLine: line)
        if let run, event.run != run {
            throw violation(
                "an event of the run \"\(TerminalText.clean(String(event.run.prefix(80))))\" instead of \(run)")
        }
        guard RunIdentifier.isOne(event.run) else { throw violation("an event of a run without a proper id") }
        run = event.run
        guard event.seq == lastSequence + 1 else {
            throw violation("event number \(event.seq) where \(lastSequence + 1) was due")
        }
        guard result == nil else { throw violation("an event after the result") }
        guard event.seq <= Self.maximumEvents else { throw violation("more than \(Self.maximumEvents) events") }
        lastSequence = event.seq
        if case .result(let result) = event.body {
            // Held back: the host makes it its own last event, with addresses that work from the host.
            self.result = await recorder.safe(result)
        } else {
            await recorder.forward(event)
        }
    }

    private func take(errorLine line: String) async {
        lastErrorLines.append(await recorder.keep(agentLine: String(line.prefix(4000))))
        if lastErrorLines.count > Self.keptErrorLines { lastErrorLines.removeFirst() }
    }

    private func violation(_ what: String) -> PgafError {
        PgafError(
            .protocolViolation, "The agent sent \(what).",
            remedy: "Run `pgaf-host up` again; it installs the agent that belongs to this program.")
    }
}
