import Shared

/// Volumes of nodes that the configuration no longer has: they keep their data until somebody asks for its removal.
///
/// Removed last of all, once the cluster has proved that it works without them.
struct KeptVolumesStep: Step {
    let id = "volumes"
    let title = "data of nodes that are no longer wanted"
    let dependencies = ["verify"]
    let topology: ClusterTopology
    /// Whether they are removed; otherwise they are only told of.
    let purge: Bool

    var always: Bool { !purge }

    func inspect(_ context: AgentContext) async throws -> [Change] {
        guard purge else { return [] }
        return try await kept(context).map {
            Change(.change, $0.volume, "remove the volume \($0.volume) with \($0.words), for good")
        }
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        for one in try await kept(context) {
            guard purge else {
                await context.warnings.add(one.stays)
                continue
            }
            guard changes.has(one.volume) else { continue }
            try await context.docker.checked(
                ["volume", "rm", one.volume], what: "The volume \(one.volume) could not be removed.")
            await context.output(id)("removed the volume \(one.volume) with \(one.words)")
        }
    }

    /// A volume of this cluster that no node of the configuration uses.
    struct Kept: Sendable, Equatable {
        var volume: String
        /// The node that it was made for; nil where its maker did not write that down.
        var node: String?

        var words: String { "the data of \(node.map { "the former node \($0)" } ?? "a former node")" }

        /// What `up` and `plan` tell of it.
        var stays: String {
            "The data of \(node ?? "a node"), which is no longer in the configuration, stays in the volume \(volume);"
                + " `pgaf-host up --purge` removes it, and \(node ?? "the node") takes it up again should you add it."
        }
    }

    /// Those that carry the cluster's label and belong to nobody: they are no configured node's, were not made for one,
    /// and no container mounts them but that of a node which leaves in the same run.
    func kept(_ context: AgentContext) async throws -> [Kept] {
        guard try await context.docker.engineVersion() != nil else { return [] }
        let configuration = topology.configuration
        let used = Set(topology.volumeNames)
        let names = Set(topology.containerNames)
        let volumes = try await context.docker.labelled("volume", cluster: configuration.cluster, role: "volume")
        var kept: [Kept] = []
        for volume in volumes.sorted() where !used.contains(volume) {
            let node = try await context.docker.labels(of: "volume", volume)?[Label.node]
            if let node, names.contains(node) { continue }
            // A plan comes before the departure of the node whose container still mounts it.
            let users = try await context.docker.users(ofVolume: volume)
            if try await areDeparting(users, context) { kept.append(Kept(volume: volume, node: node)) }
        }
        return kept
    }

    private func areDeparting(_ users: [String], _ context: AgentContext) async throws -> Bool {
        if users.isEmpty { return true }
        let own = try await context.docker.labelled(
            "container", cluster: topology.configuration.cluster, role: "node")
        return Set(users).isSubset(of: own) && Set(users).isDisjoint(with: topology.containerNames)
    }
}
