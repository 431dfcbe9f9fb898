import Shared

/// Who comes first on a monitor that has no memory, where nobody takes writes.
extension RegistrationStep {
    /// What the change of a node that is started before the others is about.
    static let first = "first"

    /// A monitor without memory takes whoever comes first for the primary. Where a node with data does not run, that could
    /// be one that had missed what it has, or a new one without any.
    ///
    /// - Parameter running: nodes with data that run, none of which takes writes.
    /// - Returns: who has to come first; nil where nobody has to.
    /// - Throws: `node.failed` where it is not certain who that is.
    func lastPrimary(running: [String], _ context: AgentContext) async throws -> String? {
        var silent: [String] = []
        for name in topology.configuration.nodes.map(\.name) where !running.contains(name) {
            // Who cannot be looked at may be the one; without the image a plan can look at nobody.
            let remains = try await NodeRemains.find(name, context)
            if remains?.hasData ?? !context.isPlanning { silent.append(name) }
        }
        guard !silent.isEmpty, topology.configuration.nodes.count > 1 else { return nil }
        var progress: [String: ServerProgress] = [:]
        for name in running + silent { progress[name] = try await NodeRemains.progress(name, context) }
        // Nobody else has anything.
        if running.isEmpty, silent.count == 1, progress.count == 1 { return silent[0] }
        // Each has to say how far it has come: who does not may be the one.
        if progress.count == running.count + silent.count, let last = ServerProgress.lastPrimary(progress),
            silent.contains(last)
        {
            return last
        }
        throw PgafError(
            .nodeFailed,
            "The monitor has lost its memory, and nodes with data do not run (\(silent.joined(separator: ", "))): it"
                + " would take whoever comes first for the primary.",
            remedy: try await remedyForSilence(silent, context),
            output: progress.sorted { $0.key < $1.key }.map { name, progress in
                "\(name): \(progress.state), timeline \(progress.timeline), checkpoint \(progress.checkpoint)"
            })
    }

    /// What somebody types who knows which of the nodes has the newest data.
    private func remedyForSilence(_ silent: [String], _ context: AgentContext) async throws -> String {
        let which = "that was primary last (of the highest timeline, and in production rather than in recovery)"
        var homeless: [String] = []
        for name in silent where try await context.docker.container(name) == nil { homeless.append(name) }
        guard !homeless.isEmpty else {
            return
                "Start the one \(which) with `docker start NAME` on the machine, wait until it takes writes, then run"
                + " `up` again."
        }
        let volumes = topology.configuration.nodes.filter { homeless.contains($0.name) }.map(\.effectiveVolume)
        return
            "Keep the volume of the one \(which), and remove the others of \(volumes.joined(separator: ", ")) once you"
            + " have copies of them where in doubt (`docker volume rm VOLUME` on the machine); then run `up` again. Where"
            + " `destroy` or `up --fresh` was interrupted, the same again goes on with it."
    }

    /// Starts the node, in a container that is made where there is none, and waits until it takes writes.
    func startLastPrimary(_ context: AgentContext) async throws {
        let running = try await strangers([], context).map(\.name)
        guard let name = try await lastPrimary(running: running, context),
            let node = topology.configuration.nodes.first(where: { $0.name == name })
        else { return }
        try NodeRepair.requireMayBePrimary(node)
        await context.output(id)("\(name) has the newest data and is started before the others")
        // Whoever has registered meanwhile would go before it.
        let others = topology.configuration.nodes.map(\.name).filter { $0 != name && !running.contains($0) }
        let awake = try await context.docker.containers(others).filter { $0.value.running }.map(\.key).sorted()
        if !awake.isEmpty { try await context.docker.checked(["stop"] + awake) }
        for row in try await context.monitor.knownRows() where others.contains(row.name) {
            try await context.monitor.forget(row.name)
        }
        let container = ContainerConvergence.node(node, topology)
        try await container.apply(try await container.inspect(context), step: id, context)
        let wait = Wait(
            for: "\(name), which has the newest data, to take writes", upTo: patience, every: .milliseconds(500),
            sparing: true, hint: "Look at `docker logs \(name)` on the machine, then run `up` again.", code: .nodeFailed
        )
        try await context.wait(wait, step: id, in: name) { () async throws -> Wait.Observation<Void> in
            switch try await context.psql.attempt(name, "SELECT pg_is_in_recovery();") {
            case "f": .found(())
            case "t": .notYet("it is a standby still")
            default: .notYet("it takes no connections")
            }
        }
        // One that ran already, without pg_autoctl's memory, registers at its container's next start.
        let isKnown = try await context.monitor.knownRows().contains { $0.name == name }
        let isStranger = try await context.psql.attempt(name, Self.question) == "f"
        if !isKnown, !isStranger {
            try await context.docker.checked(["restart", name])
            try await awaitRow(name, settled: true, context)
        }
    }
}
