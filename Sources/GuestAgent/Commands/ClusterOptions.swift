import ArgumentParser
import Shared

/// Which cluster of this machine a verb means.
struct ClusterOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The cluster's name, when the machine carries several.", valueName: "name"))
    var cluster: String?

    /// The cluster that is meant: the one named, the only one there is, or the one of the default name.
    func name(in store: ClusterStore) -> String {
        let known = store.clusters
        return cluster ?? (known.count == 1 ? known[0] : Configuration().cluster)
    }

    /// That cluster's configuration and choices as they are remembered. This process has none of its passwords any more.
    ///
    /// - Throws: `cluster.not-found`, naming those that there are; `agent.no-root`.
    func remembered(in store: ClusterStore) throws -> (configuration: Configuration, state: ClusterState) {
        try Privilege.requireRoot()
        let known = store.clusters
        let name = name(in: store)
        guard known.contains(name), let configuration = try store.configuration(name), let state = try store.state(name)
        else {
            let others = known.isEmpty ? "there is none on this machine" : "there are \(known.joined(separator: ", "))"
            throw PgafError(
                .clusterNotFound, "There is no cluster \"\(name)\" here; \(others).",
                remedy: known.isEmpty ? "Make one with `up`." : "Name one of them with --cluster.")
        }
        // Before any program is started: whoever made the cluster may have them in this shell too.
        OwnEnvironment.withdrawPasswords(of: configuration)
        return (configuration, state)
    }

    /// The topology of that cluster as it is remembered.
    ///
    /// - Throws: what `remembered` throws.
    func topology(store: ClusterStore, runner: any CommandRunner) async throws -> ClusterTopology {
        let (configuration, state) = try remembered(in: store)
        let facts = try await MachineFacts.read(runner: runner, files: store.files)
        return ClusterTopology(configuration: configuration, state: state, facts: facts, root: store.root)
    }
}
