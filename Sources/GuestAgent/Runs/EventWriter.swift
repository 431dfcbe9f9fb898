import FoundationEssentials
import Shared

/// The one owner of the agent's event stream: numbers events, redacts secrets, and hands each line to its outlets.
public actor EventWriter {
    /// Takes one line without its line end; called in order of `seq`.
    public typealias Outlet = @Sendable (String, Event) throws -> Void

    public nonisolated let run: String
    private var seq = 0
    private let redactor: Redactor
    private let outlets: [Outlet]

    public init(run: String, redactor: Redactor, outlets: [Outlet]) {
        self.run = run
        self.redactor = redactor
        self.outlets = outlets
    }

    /// Writes one event.
    ///
    /// An outlet that fails (a reader that went away) does not end the work.
    public func write(_ body: Event.Body) {
        seq += 1
        let event = Event(run: run, seq: seq, time: Timestamp.now(), body: redacted(body))
        guard let line = try? EventCoding.encode(event) else { return }
        for outlet in outlets { try? outlet(line, event) }
    }

    private func redacted(_ body: Event.Body) -> Event.Body {
        switch body {
        case .stepOutput(let step, let line): .stepOutput(step: step, line: redactor.redact(line))
        case .stepProgress(let step, let fraction, let message):
            .stepProgress(step: step, fraction: fraction, message: message.map(redactor.redact))
        case .stepFailed(let step, let error, let seconds):
            .stepFailed(step: step, error: redactor.redact(error), seconds: seconds)
        case .result(let result):
            .result(
                RunResult(
                    status: result.status, error: result.error.map(redactor.redact), changed: result.changed,
                    warnings: result.warnings.map(redactor.redact), connections: result.connections))
        default: body
        }
    }
}
