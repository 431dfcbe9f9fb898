import Shared
import Synchronization

/// `--progress plain`: one line a change, for pipes, logs and CI.
final class PlainDisplay: EventDisplay {
    private let state = Mutex(ProgressState())
    private let output: any TextOutput
    private let elapsed: @Sendable () -> Double

    init(output: any TextOutput, elapsed: @escaping @Sendable () -> Double = LiveDisplay.stopwatch()) {
        self.output = output
        self.elapsed = elapsed
    }

    func show(_ event: Event) {
        let now = elapsed()
        state.withLock { state in
            let before = state
            state.apply(event, now: now)
            guard let line = Self.line(event, before: before, after: state, now: now) else { return }
            output.write("\(Self.clock(now)) \(line)\n")
        }
    }

    /// What is new, in one line; nil when nothing that a reader of a log wants to know is.
    static func line(_ event: Event, before: ProgressState, after: ProgressState, now: Double) -> String? {
        func step(_ id: String, _ text: String) -> String { "\(TerminalText.pad(id, 18)) \(text)" }
        switch event.body {
        case .stepStarted(let id):
            return step(id, after.steps.first { $0.id == id }.map { "\($0.title) ..." } ?? "started")
        case .stepProgress(let id, _, let message):
            // Fractions change a hundred times a second; only another message is a change worth a line.
            guard let message, before.steps.first(where: { $0.id == id })?.message != message else { return nil }
            return step(id, message)
        case .stepFinished(let id, let outcome, let seconds):
            return step(id, "\(outcome.rawValue) in \(Duration.seconds(seconds).brief)")
        case .stepFailed(let id, let error, let seconds):
            return step(id, "FAILED after \(Duration.seconds(seconds).brief): \(error.message)")
        case .heartbeat(let beat):
            let waiting = after.steps.first { $0.id == beat.step }?.waiting ?? after.waiting
            let since = waiting.map { " for \(Duration.seconds(max(0, now - $0.since).rounded()).brief)" } ?? ""
            return step(beat.step ?? "-", "waiting\(since): \(beat.awaiting)")
        case .hello, .plan, .stepOutput, .state, .result, .unknown: return nil
        }
    }

    /// Seconds since the run began, `[  12.3 s]`.
    static func clock(_ seconds: Double) -> String {
        let tenths = Int((seconds * 10).rounded())
        let text = "\(tenths / 10).\(tenths % 10)"
        return "[" + String(repeating: " ", count: max(0, 6 - text.count)) + text + " s]"
    }
}
