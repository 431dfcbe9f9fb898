import Shared

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What is known of a run while it goes on: events in, one value out; both renderers draw from it.
struct ProgressState: Sendable, Equatable {
    /// An agent that announces more is not believed.
    static let maximumSteps = 512
    /// Bytes of each text that is kept; no line of a terminal shows more. An event may have 64 KiB.
    static let maximumText = 1024

    struct Step: Sendable, Equatable {
        enum Status: Sendable, Equatable {
            case pending
            /// Seconds since the run began.
            case running(since: Double)
            case finished(StepOutcome, seconds: Double)
            case failed(PgafError, seconds: Double)
        }

        var id: String
        var title: String
        var status = Status.pending
        var fraction: Double?
        var message: String?
        /// The last line that its tool wrote.
        var lastLine: String?
        var waiting: Waiting?

        var isRunning: Bool { if case .running = status { true } else { false } }
        var isDone: Bool { if case .finished = status { true } else { false } }
    }

    /// Something awaited, with times on the clock of this run.
    struct Waiting: Sendable, Equatable {
        var what: String
        var since: Double
        var until: Double?
    }

    /// In the order of the plan.
    private(set) var steps: [Step] = []
    private(set) var result: RunResult?
    /// What is awaited outside of any step.
    private(set) var waiting: Waiting?

    var done: Int { steps.count { $0.isDone } }
    var running: [Step] { steps.filter(\.isRunning) }

    /// Takes an event that came `now` seconds after the run began.
    mutating func apply(_ event: Event, now: Double) {
        let event = event.mapTexts(Self.brief)
        switch event.body {
        case .plan(let planned): for step in planned { change(step.id, title: step.title) { _ in } }
        case .stepStarted(let id): change(id) { $0.status = .running(since: now) }
        case .stepProgress(let id, let fraction, let message):
            change(id) { step in
                step.fraction = fraction.map { min(max($0, 0), 1) }
                if let message { step.message = message }
            }
        case .stepOutput(let id, let line): change(id) { $0.lastLine = line }
        case .stepFinished(let id, let outcome, let seconds):
            change(id) { step in
                step.status = .finished(outcome, seconds: seconds)
                step.waiting = nil
            }
            waiting = nil
        case .stepFailed(let id, let error, let seconds):
            change(id) { step in
                step.status = .failed(error, seconds: seconds)
                step.waiting = nil
            }
        case .heartbeat(let beat): note(beat, sent: event.time, now: now)
        case .result(let result): self.result = result
        case .hello, .state, .unknown: break
        }
    }

    private static func brief(_ text: String) -> String {
        text.utf8.count <= maximumText ? text : String(decoding: text.utf8.prefix(maximumText), as: UTF8.self)
    }

    /// The agent's clock need not be ours: only differences of its own times are used.
    private mutating func note(_ beat: Heartbeat, sent: String, now: Double) {
        func onOurClock(_ text: String) -> Double? {
            guard let moment = Timestamp.date(text), let reference = Timestamp.date(sent) else { return nil }
            return now + moment.timeIntervalSince(reference)
        }
        let waiting = Waiting(
            what: beat.awaiting, since: onOurClock(beat.since) ?? now, until: beat.until.flatMap(onOurClock))
        if let step = beat.step {
            change(step) { $0.waiting = waiting }
        } else {
            self.waiting = waiting
        }
    }

    private mutating func change(_ id: String, title: String? = nil, _ edit: (inout Step) -> Void) {
        if let index = steps.firstIndex(where: { $0.id == id }) {
            if let title { steps[index].title = title }
            edit(&steps[index])
        } else if steps.count < Self.maximumSteps {
            var step = Step(id: id, title: title ?? id)
            edit(&step)
            steps.append(step)
        }
    }
}
