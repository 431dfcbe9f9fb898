import ArgumentParser
import Shared

/// `pgaf-agent down`: removes the cluster with its data.
struct AgentDownCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Remove the cluster, its volumes and all data in them.")

    @OptionGroup var options: ClusterOptions

    @Flag(help: "Do it without asking.")
    var yes = false

    @Flag(help: "Tell a failure as one JSON object.")
    var json = false

    var printsJSON: Bool { json }

    func run() async throws {
        try Privilege.requireRoot()
        let store = ClusterStore()
        let runner = SubprocessRunner()
        let known = store.clusters
        let name = options.name(in: store)
        let removal = ClusterRemoval(runner: runner, store: store)
        let summary = try await removal.summary(name)
        guard !summary.isEmpty || known.contains(name) else {
            Output.line("There is no cluster \"\(name)\" here: nothing to remove.")
            return
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
        for line in try await removal.remove(name) { Output.line("removed \(line)") }
    }
}
