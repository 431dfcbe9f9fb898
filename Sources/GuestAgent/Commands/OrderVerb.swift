import ArgumentParser
import FoundationEssentials
import Shared

/// What the verbs have in common that order something of a cluster that there is: which one, how it is told, and the run
/// that does the work.
struct OrderVerb: ParsableArguments {
    @OptionGroup var options: ClusterOptions

    @Flag(help: "Print one JSON object at the end.")
    var json = false

    @Flag(help: "Write events as JSON lines, as pgaf-host reads them.")
    var events = false

    @Option(help: ArgumentHelp("The id of the run, if it is to have a certain one.", visibility: .hidden))
    var run: String?

    var printsJSON: Bool { json || events }

    func validate() throws {
        if json, events { throw ValidationError("--json and --events both want standard output.") }
        if let run, !RunIdentifier.isOne(run) { throw ValidationError("--run takes the id of a run.") }
    }

    /// Starts the run and follows it to its end.
    ///
    /// - Throws: what was refused, and what failed; an `ExitCode` once it has been told.
    func run(_ order: RoleOrder) async throws {
        try await begin(try options.remembered(in: ClusterStore()).configuration) { $0.order = order }
    }

    /// The same for an order that concerns all nodes.
    func run(_ order: ClusterOrder) async throws {
        try await begin(try options.remembered(in: ClusterStore()).configuration) { $0.clusterOrder = order }
    }

    /// The same for a cluster that need not be remembered.
    ///
    /// - Parameter asking: for what the run is to do.
    func begin(_ configuration: Configuration, asking: (inout Request) -> Void) async throws {
        let store = ClusterStore()
        let runner = SubprocessRunner()
        var request = Request(
            run: run ?? RunIdentifier.new(), configuration: configuration,
            // Nobody needs them; what tools say is cleaned of them.
            secrets: store.remembered(configuration.cluster) ?? .generate())
        asking(&request)
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let place = try await DetachedRun(runner: runner, store: store, program: program).start(request)
        if events {
            try await RunView(place: place, json: true).show(since: 0, waiting: true)
        } else {
            try await show(place, configuration.cluster)
        }
    }

    private struct Removal: Encodable {
        var cluster: String
        /// A line for each object; none where there was no such cluster.
        var removed: [String]
    }

    /// Progress for people on standard error, what it came to on standard output.
    private func show(_ place: RunPlace, _ cluster: String) async throws {
        let result = try await JournalFollower(place).follow(since: 0, waiting: true) { _, event in
            switch event.body {
            case .stepProgress(_, _, let message?): Output.error(message)
            case .result, .state: break
            default: if let text = EventText.line(event.body) { Output.error(text) }
            }
        }
        if let error = result?.error { throw error }
        for warning in result?.warnings ?? [] { Output.error("warning: \(warning)") }
        if let roles = result?.roles {
            if json { return try Output.json(roles) }
            RoleChangeText.lines(roles).forEach(Output.line)
        }
        if let change = result?.cluster {
            if json, let formation = change.formation { return try Output.json(formation) }
            if json, let removed = change.removed {
                return try Output.json(Removal(cluster: cluster, removed: removed))
            }
            if json { return try Output.json(["stopped": change.containers]) }
            ClusterChangeText.lines(change).forEach(Output.line)
        }
    }
}
