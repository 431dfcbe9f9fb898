import ArgumentParser
import Shared

/// `pgaf-agent down`: removes the cluster with its data.
struct AgentDownCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Remove the cluster, its volumes and all data in them.")

    @OptionGroup var verb: OrderVerb

    @Flag(help: "Do it without asking.")
    var yes = false

    var printsJSON: Bool { verb.printsJSON }

    func run() async throws {
        try Privilege.requireRoot()
        let store = ClusterStore()
        var configuration = Configuration()
        configuration.cluster = verb.options.name(in: store)
        // A memory that cannot be read is no reason to keep what is to be removed.
        if let made = try? store.configuration(configuration.cluster) {
            OwnEnvironment.withdrawPasswords(of: made)
            configuration = made
        } else {
            // The name becomes part of a path.
            try ConfigurationValidator.validate(configuration)
        }
        if !yes { try await ask(configuration.cluster, store) }
        try await verb.begin(configuration) { $0.clusterOrder = .down }
    }

    /// - Throws: `cancelled` where the answer is not the cluster's name.
    private func ask(_ cluster: String, _ store: ClusterStore) async throws {
        let removal = ClusterRemoval(runner: SubprocessRunner(), store: store)
        let summary = try await removal.summary(cluster) + [removal.memory(cluster)].compactMap(\.self)
        guard !summary.isEmpty else { return }
        for line in summary { Output.error("would remove \(line)") }
        Output.error("Type the cluster's name (\(cluster)) to remove all of this with its data:")
        guard readLine(strippingNewline: true) == cluster else {
            throw PgafError(.cancelled, "Nothing was removed.", remedy: "Type the name exactly, or use --yes.")
        }
    }
}
