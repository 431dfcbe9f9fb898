import Shared

/// `pgaf-host events`: the events of a run as the machine has them.
enum Events {
    struct Options: Sendable, Equatable {
        var choice = ConfigurationChoice()
        /// nil means the run at work in the machine, or else the latest.
        var run: String?
        var since = 0
        var follow = false
        var json = false
    }

    static func run(_ options: Options, in context: HostContext) async throws {
        if let run = options.run { try RunChoice.check(run) }
        let configuration = try context.currentConfiguration(options.choice)
        let machine = try await context.machine(configuration)
        let display: any EventDisplay =
            options.json ? JSONDisplay(output: context.output) : EventList(output: context.output)
        try await context.withAgent(on: machine, configuration) { client in
            try await client.events(of: options.run, since: options.since, waiting: options.follow) {
                display.show($0)
            }
        }
    }
}

/// Every event on a line of its own: number, time, what happened.
struct EventList: EventDisplay {
    let output: any TextOutput

    func show(_ event: Event) { output.write("\(event.seq)  \(event.time)  \(Self.text(event.body))\n") }

    static func text(_ body: Event.Body) -> String {
        switch body {
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
