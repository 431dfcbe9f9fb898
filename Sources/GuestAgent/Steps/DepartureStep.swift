import Shared

/// Nodes that the configuration no longer has: each leaves the formation before its container goes; its volume stays.
struct DepartureStep: Step {
    let id = "departures"
    let title = "nodes that are no longer wanted"
    let topology: ClusterTopology

    var dependencies: [String] { topology.configuration.nodes.map { NodeStep.id($0.name) } }

    func inspect(_ context: AgentContext) async throws -> [Change] {
        let rows = try await context.monitor.rows() ?? []
        return try await departing(rows, context).map { name in
            Change(.change, name, "take \(name) out of the formation and remove its container; its volume stays")
        }
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        let monitor = context.monitor
        for name in changes.map(\.subject) {
            try await giveUpPrimary(name, monitor, context)
            let containers = try await context.docker.labelled("container", cluster: context.configuration.cluster)
            if containers.contains(name) {
                // Docker would start it again once pg_autoctl has left, and it would register again.
                try await context.docker.checked(["update", "--restart", "no", name])
            }
            try await leave(name, monitor, context)
            guard containers.contains(name) else { continue }
            try await context.docker.checked(["stop", name])
            try await context.docker.checked(["rm", name])
        }
    }

    /// Containers with our label, and rows of the monitor, under names that the configuration does not have.
    private func departing(_ rows: [Monitor.Row], _ context: AgentContext) async throws -> [String] {
        guard try await context.docker.engineVersion() != nil else { return [] }
        let wanted = Set(topology.containerNames)
        let containers = try await context.docker.labelled(
            "container", cluster: context.configuration.cluster, role: "node")
        return Set(containers + rows.map(\.name)).subtracting(wanted).sorted()
    }

    /// Lets another node become primary first.
    private func giveUpPrimary(_ name: String, _ monitor: Monitor, _ context: AgentContext) async throws {
        let rows = try await monitor.knownRows()
        guard rows.contains(where: { $0.name == name && $0.isPrimary }) else { return }
        let handover = Handover(topology: topology)
        guard handover.isPossible(from: name, rows) else {
            throw PgafError(
                .dataWouldBeLost, "\(name) is the primary, and no other node is ready to take over.",
                remedy: "Put \(name) back into pgaf.yaml and wait until `pgaf-host status` shows a healthy secondary.")
        }
        try await handover.perform(from: name, step: id, context)
    }

    /// Waits until the node has confirmed that it leaves; one that does not answer is forgotten.
    private func leave(_ name: String, _ monitor: Monitor, _ context: AgentContext) async throws {
        guard try await monitor.knownRows().contains(where: { $0.name == name }) else { return }
        try await monitor.dismiss(name)
        let start = ContinuousClock.now
        let patience = Duration.seconds(topology.facts.isSlow ? 120 : 20)
        let wait = Wait(
            for: "\(name) to leave the formation", upTo: .seconds(600), every: .milliseconds(200), sparing: true,
            hint: "Look at `docker logs \(name)` on the machine, then run `up` again.", code: .nodeFailed)
        try await context.wait(wait, step: id) { () async throws -> Wait.Observation<Void> in
            guard let rows = try await monitor.rows() else { return .notYet("the monitor does not answer") }
            guard let row = rows.first(where: { $0.name == name }) else { return .found(()) }
            if ContinuousClock.now - start > patience { try await monitor.forget(name) }
            return .notYet("it reports \(row.reported)")
        }
    }
}
