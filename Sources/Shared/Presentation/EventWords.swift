extension Event.Body {
    /// What happened, in one line for people; free texts are as they came.
    package var words: String {
        switch self {
        case .hello(let hello): "pgaf-agent \(hello.agent) on \(hello.distribution), Linux \(hello.kernel)"
        case .plan(let steps):
            "plan: \(steps.count { $0.action != .none }) of \(steps.count) steps have something to do"
        case .stepStarted(let step): "\(step): started"
        case .stepProgress(let step, let fraction, let message):
            "\(step): \(message ?? "")\(fraction.map { " \(Int(min(max($0, 0), 1) * 100)) %" } ?? "")"
        case .stepOutput(let step, let line): "\(step): | \(line)"
        case .stepFinished(let step, let outcome, let seconds):
            "\(step): \(outcome.rawValue) in \(Duration.seconds(seconds).brief)"
        case .stepFailed(let step, let error, _): "\(step): failed: \(error.message)"
        case .state(let state): "formation: \(state.healthy ? "healthy" : state.notes.joined(separator: "; "))"
        case .heartbeat(let beat): "\(beat.step ?? "run"): waiting for \(beat.awaiting)"
        case .result(let result): "result: \(result.status.rawValue)\(result.error.map { ": \($0.message)" } ?? "")"
        case .unknown(let type): type
        }
    }
}
