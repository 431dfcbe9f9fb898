import Shared

/// The final timings of the failure detection, and each node's candidate priority and replication quorum.
struct FailoverSettingsStep: Step {
    let id = "failover-settings"
    let title = "the failover settings"
    let topology: ClusterTopology

    /// Who leaves counts until then; and a restart of the primary takes the others' priorities away meanwhile.
    let dependencies = ["departures", "restarts"]

    func inspect(_ context: AgentContext) async throws -> [Change] {
        var changes = try await fileChanges(context)
        let rows = try await context.monitor.rows() ?? []
        for node in topology.configuration.nodes {
            guard let row = rows.first(where: { $0.name == node.name }) else { continue }
            if row.priority != node.candidatePriority {
                changes.append(
                    Change(
                        .change, "priority.\(node.name)",
                        "candidate priority of \(node.name): \(row.priority) → \(node.candidatePriority)"))
            }
            if row.quorum != node.replicationQuorum {
                changes.append(
                    Change(
                        .change, "quorum.\(node.name)",
                        "replication quorum of \(node.name): \(row.quorum) → \(node.replicationQuorum)"))
            }
        }
        changes += try await synchronousChanges(rows, context)
        let wanted = topology.failoverTimings.partitionTimeout
        let registered = topology.configuration.nodes.filter { node in rows.contains { $0.name == node.name } }
        var found = try await partitionTimeouts(registered, context)
        for node in try await nodesToCome(rows, context) { found[node] = FailoverTimings.usualPartitionTimeout }
        for node in topology.configuration.nodes {
            guard let seconds = found[node.name], seconds != wanted else { continue }
            changes.append(
                Change(
                    .change, "keeper.\(node.name)",
                    "network_partition_timeout of \(node.name): \(seconds) s → \(wanted) s"))
        }
        return changes
    }

    /// The monitor's files; those of one that its own step makes first have settings for the time until all nodes are up.
    private func fileChanges(_ context: AgentContext) async throws -> [Change] {
        let monitor = MonitorStep(topology: topology)
        guard try await monitor.container.isAhead(context) else {
            return try monitor.container.fileDifferences(context).map { Change(.change, "files", $0) }
        }
        guard monitor.beginsFaster else { return [] }
        return [
            Change(
                .change, "files",
                "\(monitor.container.name), postgresql.conf: set the lasting failover timings once the nodes are up")
        ]
    }

    /// Names of nodes that a plan has made by their own steps: their keepers will begin with pg_autoctl's own timeout.
    private func nodesToCome(_ rows: [Monitor.Row], _ context: AgentContext) async throws -> [String] {
        guard context.isPlanning else { return [] }
        var names: [String] = []
        for name in topology.configuration.nodes.map(\.name) where !rows.contains(where: { $0.name == name }) {
            if try await context.docker.container(name) == nil { names.append(name) }
        }
        return names
    }

    /// As the monitor chooses by itself while all nodes are in the quorum: with two standbys there, one has to confirm each
    /// commit. With fewer of them it would stop all writes when the only one is away.
    private var wantedSyncStandbys: Int { topology.configuration.nodes.count(where: \.replicationQuorum) > 2 ? 1 : 0 }

    /// What differs once all nodes are there; before that the monitor moves the number by itself.
    private func synchronousChanges(_ rows: [Monitor.Row], _ context: AgentContext) async throws -> [Change] {
        guard Set(rows.map(\.name)) == Set(topology.configuration.nodes.map(\.name)),
            let number = try await context.monitor.numberSyncStandbys(), number != wantedSyncStandbys
        else { return [] }
        return [
            Change(
                .change, number > wantedSyncStandbys ? "sync.less" : "sync.more",
                "number_sync_standbys of the formation: \(number) → \(wantedSyncStandbys)")
        ]
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        let monitor = topology.configuration.monitor.name
        if changes.has("files") {
            try await MonitorStep(topology: topology).container.replaceFiles(context) {
                try await context.psql.checked(
                    monitor, "SELECT pg_reload_conf();", code: .monitorFailed,
                    what: "The settings of the monitor could not be reloaded.")
            }
        }
        // The monitor lets no node out of the quorum of which the number needs it.
        if changes.has("sync.less") { try await setNumberSyncStandbys(context) }
        let autoctl = Autoctl(runner: context.runner)
        for node in topology.configuration.nodes {
            if changes.has("priority.\(node.name)") {
                try await autoctl.setPriority(node.name, node.candidatePriority)
            }
            if changes.has("quorum.\(node.name)") {
                try await autoctl.run(
                    node.name, ["set", "node", "replication-quorum", "\(node.replicationQuorum)"])
            }
        }
        // Each keeper has a file of its own, and the monitor is not asked.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for node in topology.configuration.nodes where changes.has("keeper.\(node.name)") {
                group.addTask { try await setPartitionTimeout(node.name, context) }
            }
            try await group.waitForAll()
        }
        if changes.has("sync.more") { try await setNumberSyncStandbys(context) }
    }

    /// The monitor takes another number only while the primary is settled.
    private func setNumberSyncStandbys(_ context: AgentContext) async throws {
        _ = try await SettledFormation(topology: topology, code: .monitorFailed).wait(step: id, context)
        try await context.monitor.setNumberSyncStandbys(wantedSyncStandbys)
    }

    /// A keeper that has just begun may write its own file once more, with the value that it began with.
    private func setPartitionTimeout(_ node: String, _ context: AgentContext) async throws {
        let autoctl = Autoctl(runner: context.runner)
        let wanted = topology.failoverTimings.partitionTimeout
        let wait = Wait(
            for: "\(node) to keep its network_partition_timeout", upTo: .seconds(120), every: .milliseconds(500),
            sparing: true, hint: "Look at `docker logs \(node)` on the machine, then run `up` again.", code: .nodeFailed
        )
        try await context.wait(wait, step: id) {
            try await autoctl.configure(node, Self.partitionKey, "\(wanted)")
            // No base backup runs here any more, so the reload can kill none.
            try await autoctl.run(node, ["reload"])
            let found = try await partitionTimeout(node, context)
            return found == wanted ? .found(()) : .notYet("it has \(found.map { "\($0) s" } ?? "none")")
        }
    }

    private static let partitionKey = "timeout.network_partition_timeout"

    private func partitionTimeouts(_ nodes: [NodeSettings], _ context: AgentContext) async throws -> [String: Int] {
        try await withThrowingTaskGroup(of: (String, Int?).self) { group in
            for node in nodes { group.addTask { (node.name, try await partitionTimeout(node.name, context)) } }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    /// The keeper's file through the session that is open anyway: `pg_autoctl config get` is one more program to start
    /// in each container.
    private func partitionTimeout(_ node: String, _ context: AgentContext) async throws -> Int? {
        let text = try await context.psql.attempt(
            node, "SELECT pg_read_file(\(SQL.literal(ContainerLayout.keeperConfiguration)));")
        let name = Self.partitionKey.split(separator: ".").last ?? ""
        let line = text?.split(separator: "\n").first { $0.split(separator: "=").first?.trimmed == String(name) }
        return line?.split(separator: "=").last.flatMap { Int($0.trimmed) }
    }
}
