import Shared
import Synchronization

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
        // A run that is followed is followed over a cut link, from the last event on.
        let seen = Mutex((run: options.run, since: options.since))
        while true {
            let (run, since) = seen.withLock { $0 }
            do {
                return try await context.withAgent(on: machine, configuration) { client in
                    try await client.events(of: run, since: since, waiting: options.follow) { event in
                        seen.withLock { $0 = (event.run, event.seq) }
                        display.show(event)
                    }
                }
            } catch let error as PgafError where options.follow && error.code == .linkLost {
                context.note("\(error.message) Waiting for the machine to answer again.")
                try await answer(of: machine)
            }
        }
    }

    private static func answer(of machine: any Machine) async throws {
        let wait = Wait(
            for: "the machine to answer again", upTo: .seconds(900), every: .milliseconds(500), growingTo: .seconds(15),
            hint: "Go on with `pgaf-host events --follow --since SEQ` once it does.", code: .linkLost)
        try await wait.until { () async throws -> Wait.Observation<Void> in
            do {
                await (try await machine.connect()).close()
                return .found(())
            } catch let error as PgafError where AgentRun.passing.contains(error.code) {
                return .notYet(error.message)
            }
        }
    }
}

/// Every event on a line of its own: number, time, what happened.
struct EventList: EventDisplay {
    let output: any TextOutput

    func show(_ event: Event) { output.write("\(event.seq)  \(event.time)  \(event.body.words)\n") }
}
