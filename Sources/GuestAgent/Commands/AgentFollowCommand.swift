import ArgumentParser
import Shared

/// `pgaf-agent follow`: shows a run of this machine, also one that has ended.
struct AgentFollowCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "follow", abstract: "Show a run as it goes on, or one that has ended.")

    @OptionGroup var options: RunOptions

    @Option(help: "Only events after the one with this number.")
    var since = 0

    @Flag(inversion: .prefixedNo, help: "Wait for events that are not written yet, until the run's result.")
    var wait = true

    @Flag(help: "Write events as JSON lines instead of readable text.")
    var json = false

    var printsJSON: Bool { json }

    func run() async throws {
        try await RunView(place: options.place(store: ClusterStore()), json: json).show(since: since, waiting: wait)
    }
}

/// Which run of this machine a verb means.
struct RunOptions: ParsableArguments {
    @Argument(help: "The run's id. (default: the run at work, or else the latest)")
    var identifier: String?

    /// - Throws: `agent.no-root`, `run.not-found`.
    func place(store: ClusterStore) throws -> RunPlace {
        try Privilege.requireRoot()
        if let identifier {
            try RunIdentifier.check(identifier)
            return RunPlace(id: identifier, store: store)
        }
        guard let current = RunPlace.current(in: store) else {
            throw PgafError(
                .runNotFound, "There was no run on this machine yet.", remedy: "Begin one with `up`.")
        }
        return current
    }
}
