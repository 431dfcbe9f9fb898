import Shared

/// The cluster's own bridge network with its fixed subnet.
struct NetworkStep: Step {
    let id = "network"
    let title = "the cluster's network"
    let dependencies = ["docker"]

    func inspect(_ context: AgentContext) async throws -> [Change] {
        // Again, since an engine that was stopped had nothing to say in the preflight.
        try await FormerNames.refuseMonitor(context)
        let name = context.configuration.network.name
        guard let labels = try await context.docker.labels(of: "network", name) else {
            try await FormerNames.refuseNetwork(context)
            return [Change(.create, "network", "create the network \(name) with \(context.topology.subnet)")]
        }
        guard labels[Label.cluster] == context.configuration.cluster else {
            throw PgafError(
                .foreignObject, "The Docker network \"\(name)\" exists and was not made by pgaf for this cluster.",
                remedy: "Choose another `network.name`, or take its containers out of it and remove it with"
                    + " `docker network rm \(name)`.")
        }
        let subnet = try await context.docker.subnet(ofNetwork: name)
        guard subnet == context.topology.subnet else {
            throw PgafError(
                .networkConflict,
                "The network \"\(name)\" has \(subnet.map(\.description) ?? "no subnet"), not \(context.topology.subnet).",
                remedy: "Set `network.subnet` back, or \(Remedy.startAnew)")
        }
        return []
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        let topology = context.topology
        let range = topology.subnet.guestRange.map { ["--ip-range", $0.description] } ?? []
        try await context.docker.checked(
            [
                "network", "create", "--driver", "bridge", "--subnet", topology.subnet.description,
                "--gateway", topology.subnet.address(1).description,
            ] + range + [
                "--label", "\(Label.cluster)=\(topology.configuration.cluster)", "--label", "\(Label.role)=network",
                topology.configuration.network.name,
            ], code: .networkConflict,
            what: "The network \(topology.configuration.network.name) with \(topology.subnet) could not be created.")
    }
}
