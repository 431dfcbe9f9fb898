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
        if let run = options.run { try RunIdentifier.check(run) }
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

    func show(_ event: Event) { output.write("\(event.seq)  \(event.time)  \(event.body.words)\n") }
}
