import ArgumentParser
import Shared

/// `pgaf-agent down`: removes the cluster with its data.
struct AgentDownCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Remove the cluster, its volumes and all data in them.")

    @OptionGroup var options: ClusterOptions

    @Flag(help: "Do it without asking.")
    var yes = false

    @Flag(help: "Print one JSON object: what was removed, or the failure.")
    var json = false

    var printsJSON: Bool { json }

    private struct Removal: Encodable {
        var cluster: String
        /// A line for each object; none where there was no such cluster.
        var removed: [String]
    }

    func run() async throws {
        try Privilege.requireRoot()
        let store = ClusterStore()
        let runner = SubprocessRunner()
        let known = store.clusters
        let name = options.name(in: store)
        // A memory that cannot be read is no reason to keep what is to be removed.
        if let made = try? store.configuration(name) { OwnEnvironment.withdrawPasswords(of: made) }
        let removal = ClusterRemoval(runner: runner, store: store)
        let summary = try await removal.summary(name)
        guard !summary.isEmpty || known.contains(name) else {
            let nothing = Removal(cluster: name, removed: [])
            return json
                ? try Output.json(nothing) : Output.line("There is no cluster \"\(name)\" here: nothing to remove.")
        }
        if !yes {
            for line in summary { Output.error("would remove \(line)") }
            Output.error("Type the cluster's name (\(name)) to remove all of this with its data:")
            guard readLine(strippingNewline: true) == name else {
                throw PgafError(
                    .cancelled, "Nothing was removed.", remedy: "Type the name exactly, or use --yes.")
            }
        }
        let lock = try await MachineLock(store: store, holder: "`pgaf-agent down`").take()
        defer { withExtendedLifetime(lock) {} }
        // What a killed run still has at work could make a container after they all were removed.
        try await AbandonedWork(store: store).clear()
        let removed = try await removal.remove(name)
        if json {
            try Output.json(Removal(cluster: name, removed: removed))
        } else {
            for line in removed { Output.line("removed \(line)") }
        }
    }
}
