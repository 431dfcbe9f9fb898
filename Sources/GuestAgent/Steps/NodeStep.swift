import Shared

/// One data node: its container, its registration on the monitor, and the way to its first settled state.
struct NodeStep: Step {
    let node: NodeSettings
    /// The node whose place has to be taken first; nil for the one that registers first and so becomes the first
    /// primary.
    let predecessor: NodeSettings?
    let topology: ClusterTopology
    /// Shared by the steps of all nodes.
    let remake: RollingRemake
    private let repair: NodeRepair

    init(node: NodeSettings, predecessor: NodeSettings?, topology: ClusterTopology, remake: RollingRemake) {
        self.node = node
        self.predecessor = predecessor
        self.topology = topology
        self.remake = remake
        repair = NodeRepair(node: node, topology: topology)
    }

    var id: String { Self.id(node.name) }
    var title: String { "the node \(node.name)" }
    var dependencies: [String] { [predecessor.map { Self.id($0.name) } ?? RegistrationStep.id] }

    /// A node goes on moving: the step `verify` waits until all stand still.
    let confirmed = false
    var hasRepaired: Bool { repair.hasActed }

    static func id(_ name: String) -> String { "node.\(name)" }

    private var container: ContainerConvergence { .node(node, topology) }

    func inspect(_ context: AgentContext) async throws -> [Change] {
        var changes = try await container.inspect(context)
        let rows = try await context.monitor.rows()
        let row = rows?.first { $0.name == node.name }
        if row?.isInMaintenance == true {
            changes.append(
                Change(.change, "maintenance", "put \(node.name) back into service, which is in maintenance"))
        }
        if changes.isRemake { return try await changes + handover(context) }
        // One that the monitor knows may have lost its volume too.
        if changes.has("container"), row != nil { return try await changes + foresee(rows, context) }
        guard changes.isEmpty else { return changes }
        var state = row.map { "\($0.reported), assigned \($0.assigned)" } ?? "not registered"
        if let rows, row?.isSettled == true {
            // The monitor does not know yet what happened to it, or never notices.
            guard let idleness = try await idleness(rows, context) else { return [] }
            state = idleness
        }
        let wait = Change(.wait, "join", "wait for \(node.name) to take its place (now: \(state))")
        return try await foresee(rows, context) + [wait]
    }

    /// What will have to be repaired before the node takes its place; nothing while the monitor does not answer.
    private func foresee(_ rows: [Monitor.Row]?, _ context: AgentContext) async throws -> [Change] {
        guard let rows else { return [] }
        return try await repair.foresee(rows, context)
    }

    /// Why the node does not do its work although it is settled for the monitor; nil when it does.
    private func idleness(_ rows: [Monitor.Row], _ context: AgentContext) async throws -> String? {
        if try await !context.psql.answers(node.name) {
            return "its PostgreSQL takes no connections"
        }
        let seen = try await StreamingReplication(psql: context.psql).look(rows).first { $0.name == node.name }
        return seen?.streams == false ? "it does not receive what the primary writes" : nil
    }

    /// What making the present primary anew means for its clients.
    private func handover(_ context: AgentContext) async throws -> [Change] {
        guard let rows = try await context.monitor.rows(),
            Handover(topology: topology).isPossible(from: node.name, rows)
        else { return [] }
        return [Change(.change, "handover", "let another node become primary before \(node.name) is made anew")]
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        do {
            guard changes.isRemake else { return try await takePlace(changes, context) }
            try await container.handOverEarly(changes, context)
            try await remake.inTurn(node.name, step: id, context) { try await takePlace(changes, context) }
        } catch {
            remake.fail(node.name)
            throw error
        }
    }

    private func takePlace(_ changes: [Change], _ context: AgentContext) async throws {
        try await setPasswords(context)
        let started = try await context.monitor.time()
        // One that does not start reads corrected settings when pg_autoctl tries it again.
        if !changes.has("container"), try await !context.psql.answers(node.name) {
            try container.writeFiles(context, keeping: try await keptFiles(context))
        }
        let kept = changes.isRemake ? try await keptFiles(context) : []
        try await container.apply(changes, step: id, keeping: kept, context)
        if changes.has("maintenance") { try await context.monitor.setMaintenance(node.name, false) }
        let wait = Wait(
            for: "\(node.name) to take its place in the formation", upTo: .seconds(900), every: .milliseconds(100),
            sparing: true,
            hint: "Look at `docker logs \(node.name)` and `pgaf-agent status` on the machine, then run `up` again.",
            code: .nodeFailed)
        try await context.wait(wait, step: id, in: node.name) {
            let seen = try await look(since: started, context)
            guard case .notYet(let reason) = seen else { return seen }
            return .notYet(try await repair.attempt(step: id, context) ?? reason)
        }
        if predecessor == nil { try await setPasswords(context) }
    }

    /// Files that a node must not start with yet: a standby with less of what binds it to its primary would not start. The
    /// steps behind it bring the settings and restart the servers in the right order. Where no other node runs there is
    /// nothing to be bound to.
    private func keptFiles(_ context: AgentContext) async throws -> Set<String> {
        let changed = try container.changedSettings(context).keys
        guard changed.contains(where: PendingRestart.bound.contains) else { return [] }
        for other in topology.configuration.nodes where other.name != node.name {
            if try await context.psql.answers(other.name) { return ["postgresql.conf"] }
        }
        return []
    }

    /// Sets the passwords on the node that can write, if there is one: without the right one no standby can connect.
    private func setPasswords(_ context: AgentContext) async throws {
        try await remake.passwords.pass { try await setPasswordsAlone(context) }
    }

    private func setPasswordsAlone(_ context: AgentContext) async throws {
        guard let primary = try await context.monitor.rows()?.first(where: { $0.isPrimary }) else { return }
        let writable = try await context.psql.attempt(primary.name, "SELECT pg_is_in_recovery();") == "f"
        if writable { try await Passwords.setInside(primary.name, context) }
    }

    /// One look: the state on the monitor, after helping the base backup on the primary along.
    ///
    /// - Parameter start: the monitor's time before the container was touched: what was reported earlier is about the
    ///   node's former life.
    private func look(since start: Double, _ context: AgentContext) async throws -> Wait.Observation<Void> {
        guard let rows = try await context.monitor.rows() else { return .notYet("the monitor does not answer") }
        guard let own = rows.first(where: { $0.name == node.name }) else {
            return .notYet("\(node.name) has not reported to the monitor yet")
        }
        if own.isSettled, own.reportTime > start {
            // A node that starts again on its volume reports its old state before its PostgreSQL takes connections.
            return try await idleness(rows, context).map { .notYet("\(node.name): \($0)") } ?? .found(())
        }
        if let primary = rows.first(where: { $0.isPrimary && $0.id != own.id }) {
            try await BaseBackup.hasten(primary: primary.name, context)
        }
        return .notYet("\(node.name) reports \(own.reported), the monitor assigned \(own.assigned)")
    }
}

/// Shortens the wait of a base backup for the next spread checkpoint: half of a bring-up otherwise.
enum BaseBackup {
    /// Asks the primary for a checkpoint when a base backup waits for one.
    static func hasten(primary: String, _ context: AgentContext) async throws {
        _ = try await context.psql.attempt(
            primary,
            "SELECT 'CHECKPOINT' FROM pg_stat_progress_basebackup"
                + " WHERE phase = 'waiting for checkpoint to finish' LIMIT 1 \\gexec")
    }
}
