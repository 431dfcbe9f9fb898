import Shared

/// The cluster's monitor and network under names that the configuration does not have any more. Another one beside the
/// first would want the same subnet and addresses, and the nodes know the first.
enum FormerNames {
    /// - Throws: `data.would-be-lost` where the cluster has its monitor under another name.
    static func refuseMonitor(_ context: AgentContext) async throws {
        let name = context.configuration.monitor.name
        if try await context.docker.container(name)?.running == true { return }
        try await refuse("container", role: "monitor", key: "monitor.name", name, context)
    }

    /// Asked where there is no network of the configuration's name.
    ///
    /// - Throws: `data.would-be-lost` where the cluster has its network under another name.
    static func refuseNetwork(_ context: AgentContext) async throws {
        try await refuse("network", role: "network", key: "network.name", context.configuration.network.name, context)
    }

    private static func refuse(
        _ kind: String, role: String, key: String, _ name: String, _ context: AgentContext
    ) async throws {
        // An engine that does not answer has nothing to say.
        let there =
            (try? await context.docker.labelled(kind, cluster: context.configuration.cluster, role: role)) ?? []
        let wanted = context.topology.containerNames + [name]
        guard let former = there.filter({ !wanted.contains($0) }).min() else { return }
        throw PgafError(
            .dataWouldBeLost,
            "The \(role) of the cluster is called \(former), the configuration asks for \(name): it cannot be renamed.",
            remedy: "Set `\(key)` back to \(former), or \(Remedy.startAnew)")
    }
}
