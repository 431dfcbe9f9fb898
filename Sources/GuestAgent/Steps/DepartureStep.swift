import Shared

/// Nodes that the configuration no longer has: each leaves the formation before its container goes; its volume stays.
///
/// One that comes back into the configuration before it was gone gets back what a departure has taken away first.
struct DepartureStep: Step {
    let id = "departures"
    let title = "nodes that are no longer wanted"
    let topology: ClusterTopology

    var dependencies: [String] { topology.configuration.nodes.map { NodeStep.id($0.name) } }

    func inspect(_ context: AgentContext) async throws -> [Change] {
        guard try await context.docker.engineVersion() != nil else { return [] }
        let rows = try await context.monitor.rows() ?? []
        let containers = try await context.docker.labelled(
            "container", cluster: context.configuration.cluster, role: "node")
        // With our label, and of the monitor, under names that the configuration does not have.
        let departing = Set(containers + rows.map(\.name)).subtracting(topology.containerNames).sorted().map { name in
            Change(.change, name, "take \(name) out of the formation and remove its container; its volume stays")
        }
        // One that does not run gets its policy back when it is started.
        let wanted = try await context.docker.containers(containers.filter(topology.containerNames.contains))
        let staying = wanted.values.filter { $0.running && $0.restartPolicy == "no" }.map(\.name).sorted().map { name in
            Change(.change, name, "let Docker start \(name) again by itself: it stays in the formation after all")
        }
        return departing + staying
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        let monitor = context.monitor
        for name in changes.map(\.subject) {
            if topology.containerNames.contains(name) {
                try await context.docker.checked(["update", "--restart", ContainerSpecification.restartPolicy, name])
                continue
            }
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

    /// Lets another node become primary first.
    private func giveUpPrimary(_ name: String, _ monitor: Monitor, _ context: AgentContext) async throws {
        let rows = try await monitor.knownRows()
        guard rows.contains(where: { $0.name == name && $0.isPrimary }) else { return }
        let handover = Handover(topology: topology)
        guard handover.isPossible(from: name, rows) else {
            throw PgafError(
                .dataWouldBeLost, "\(name) is the primary, and no other node is ready to take over.",
                remedy: "Put \(name) back into the configuration and run `up`, which ends when all nodes are healthy or"
                    + " says what they lack; then take \(name) out again.")
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
