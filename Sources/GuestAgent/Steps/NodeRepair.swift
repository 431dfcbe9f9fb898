import Shared
import Synchronization

/// A node that cannot take its place by itself, because something of it is gone: recognised, and made anew from the
/// primary.
///
/// pg_autoctl comes back by itself from most interruptions. It does not when its memory of the node, the data directory
/// or the whole volume is gone while the monitor still has the node's row, nor when the node has written further than
/// where the present primary began and was not rewound, or has missed what the primary no longer has. The healthy nodes
/// are not touched, and what is left of the data is set aside, never destroyed.
final class NodeRepair: Sendable {
    private let node: NodeSettings
    private let topology: ClusterTopology
    private let rhythm: Rhythm
    /// What the look before this one found: a node in the middle of something looks ill for a moment.
    private let suspicion = Suspicion<NodeAilment>()
    /// The same of a failover.
    private let standstill = Suspicion<StuckFailover>()
    /// Whether it has been made anew: a copy has the primary's old logs in it, which tell nothing of this node.
    private let isNew = Mutex(false)
    private let acted = Mutex(false)

    /// Whether anything was repaired.
    var hasActed: Bool { acted.withLock { $0 } }

    /// - Parameter pause: between two looks; nil for as long as this machine needs.
    init(node: NodeSettings, topology: ClusterTopology, every pause: Duration? = nil) {
        self.node = node
        self.topology = topology
        rhythm = Rhythm(every: pause ?? topology.facts.lookInterval)
    }

    /// Looks now and then at a node that has not arrived, and repairs it when two looks agree.
    ///
    /// - Returns: what the node still waits for, when that is known better than by its state.
    /// - Throws: `data.would-be-lost` when nobody else has the data.
    func attempt(step: String, _ context: AgentContext) async throws -> String? {
        guard rhythm.isDue() else { return nil }
        let monitor = context.monitor
        guard var rows = try await monitor.rows() else { return nil }
        rows = try await StreamingReplication(psql: context.psql).look(rows)
        if let words = try await resolve(StuckFailover(rows), step: step, context) { return words }
        guard let remains = try await NodeRemains.read(node.name, context) else { return nil }
        let found = diagnose(remains, rows)
        let isConfirmed = suspicion.isConfirmed(by: found)
        guard let found, isConfirmed else { return nil }
        switch try await treatment(of: found, rows, context) {
        case .makeAnew:
            await context.output(step)("\(node.name): \(found.words); it is made anew from the primary")
            isNew.withLock { $0 = true }
            acted.withLock { $0 = true }
            let aside = try await makeAnew(monitor, context)
            await context.warnings.add(
                "\(node.name) was made anew from the primary, because \(found.words)."
                    + (aside.map { " Its old data directory is kept as \($0) in the volume \(node.effectiveVolume)." }
                        ?? ""))
        case .registerAgain:
            await context.output(step)("\(node.name): \(found.words); it registers again with its data")
            acted.withLock { $0 = true }
            try await monitor.forget(node.name)
        case .registerFirst:
            await context.output(step)("\(node.name): \(found.words); it registers again before all others")
            acted.withLock { $0 = true }
            try await registerFirst(rows, step: step, context)
        case .waitForPrimary: return "\(found.words), and no other node is primary yet"
        case .refuse: throw refusal(found)
        }
        return nil
    }

    /// What `attempt` would repair, from one look: for a plan. What pg_autoctl may still mend itself within seconds is
    /// none of it.
    ///
    /// - Parameter rows: all that the monitor has.
    /// - Throws: `data.would-be-lost` when nobody has the data of a node that had some.
    func foresee(_ rows: [Monitor.Row], _ context: AgentContext) async throws -> [Change] {
        if let stuck = StuckFailover(rows) {
            let since = rows.filter { [stuck.former, stuck.next].contains($0.name) }.map(\.sinceAssigned).min() ?? 0
            guard stuck.next == node.name, Duration.seconds(since) >= topology.facts.lookInterval else { return [] }
            let words = "let the failover from \(stuck.former) to \(stuck.next) go on, which stands still"
            return [Change(.change, "failover", words)]
        }
        let seen = try await StreamingReplication(psql: context.psql).look(rows)
        guard let remains = try await NodeRemains.find(node.name, context), let found = diagnose(remains, seen) else {
            return []
        }
        let row = seen.first { $0.name == node.name }
        // The server says the same while pg_autoctl is about to rewind it.
        if found == .strayed, (row?.sinceAssigned ?? 0) <= topology.recoveryTimes.comesBack.most * 2 { return [] }
        switch try await treatment(of: found, seen, context) {
        case .makeAnew, .waitForPrimary:
            let aside =
                found.leavesData ? "; its old data is set aside in the volume \(node.effectiveVolume)" : ""
            return [Change(.change, "repair", "make \(node.name) anew from the primary: \(found.words)\(aside)")]
        case .registerAgain, .registerFirst:
            return [Change(.change, "repair", "register \(node.name) again with its data: \(found.words)")]
        case .refuse:
            // One that is still being initialised has no data to lose, and may come by itself.
            guard let row, row.reported != "init" else { return [] }
            throw refusal(found)
        }
    }

    private func diagnose(_ remains: NodeRemains, _ rows: [Monitor.Row]) -> NodeAilment? {
        var remains = remains
        if isNew.withLock({ $0 }) { remains.hasStrayed = false }
        return NodeAilment.diagnose(remains, row: rows.first { $0.name == node.name })
    }

    /// What is done about an ailment, by what the other nodes have and not by the monitor's word alone: that goes on
    /// calling a primary healthy which was removed a moment ago, and tells nothing of data.
    private func treatment(
        of found: NodeAilment, _ rows: [Monitor.Row], _ context: AgentContext
    ) async throws -> NodeAilment.Treatment {
        var rows = rows
        for index in rows.indices where rows[index].isPrimary {
            if try await !context.psql.answers(rows[index].name) { rows[index].health = -1 }
        }
        let treatment = found.treatment(rows, node: node.name)
        guard treatment == .refuse || (treatment == .waitForPrimary && found != .strayed) else { return treatment }
        let others = Set(topology.configuration.nodes.map(\.name) + rows.map(\.name)).subtracting([node.name])
        for other in others.sorted() where try await NodeRemains.mayHaveData(other, context) { return .waitForPrimary }
        // The last that has data is what all others are made from.
        return found == .noMemory ? .registerFirst : .refuse
    }

    private func refusal(_ found: NodeAilment) -> PgafError {
        PgafError(
            .dataWouldBeLost,
            "\(node.name) cannot come back: \(found.words), and no other node of the formation has data any more.",
            remedy: "If you have a copy of a data directory, put it into the volume \(node.effectiveVolume) as `data`"
                + " (`docker run --rm --volumes-from \(node.name) ...` on the machine) and run `up` again; to begin anew"
                + " without the data, `pgaf-host up --fresh`.")
    }

    /// Lets a failover go on that two looks found standing still.
    ///
    /// - Returns: what is done about it; nil where there is none.
    private func resolve(_ stuck: StuckFailover?, step: String, _ context: AgentContext) async throws -> String? {
        let isConfirmed = standstill.isConfirmed(by: stuck)
        guard let stuck else { return nil }
        if isConfirmed, try await context.monitor.resolve(stuck) {
            acted.withLock { $0 = true }
            let words = "the failover from \(stuck.former) to \(stuck.next) stood still and was made to go on"
            await context.output(step)(words)
            await context.warnings.add("pg_auto_failover: \(words).")
        }
        return "the failover from \(stuck.former) to \(stuck.next) stands still"
    }

    /// pg_auto_failover takes no node for the first one whose candidate priority is 0, however long it asks.
    ///
    /// - Throws: `node.failed`.
    static func requireMayBePrimary(_ node: NodeSettings) throws {
        guard node.candidatePriority == 0 else { return }
        throw PgafError(
            .nodeFailed,
            "\(node.name) has the newest data and would have to be primary, which its candidate_priority 0 forbids.",
            remedy:
                "Set its `candidate_priority` above 0 in pgaf.yaml, remove its container, which was made with the other"
                + " one (`docker rm --force \(node.name)` on the machine; the data stays in the volume"
                + " \(node.effectiveVolume)), and run `up` again; afterwards it can be set back.")
    }

    /// Has the only node with data register as if there were no other: one of those without any would be the primary of a
    /// new database if it came before. They stand still until then.
    private func registerFirst(_ rows: [Monitor.Row], step: String, _ context: AgentContext) async throws {
        try Self.requireMayBePrimary(node)
        var others: [String] = []
        for name in topology.configuration.nodes.map(\.name) where name != node.name {
            if try await context.docker.container(name) != nil { others.append(name) }
        }
        try await context.docker.checked(["stop", node.name] + others)
        for row in rows { try await context.monitor.forget(row.name) }
        try await context.docker.checked(["start", node.name])
        let wait = Wait(
            for: "\(node.name) to register with the monitor", upTo: .seconds(300), every: .milliseconds(200),
            sparing: true, hint: "Look at `docker logs \(node.name)` on the machine, then run `up` again.",
            code: .nodeFailed)
        try await context.wait(wait, step: step, in: node.name) { () async throws -> Wait.Observation<Void> in
            let isKnown = try await context.monitor.rows()?.contains { $0.name == node.name } == true
            return isKnown ? .found(()) : .notYet("it has no row")
        }
        if !others.isEmpty { try await context.docker.checked(["start"] + others) }
    }

    /// - Returns: where the old data is now; nil when there was none.
    private func makeAnew(_ monitor: Monitor, _ context: AgentContext) async throws -> String? {
        try await context.docker.checked(["stop", node.name])
        let aside = try await NodeRemains.clear(node.name, context)
        try await monitor.forget(node.name)
        try await context.docker.checked(["start", node.name])
        return aside
    }
}

/// What the look before the present one found.
private final class Suspicion<Finding: Equatable & Sendable>: Sendable {
    private let former = Mutex<Finding?>(nil)

    /// Takes what a look found, nil for nothing, and tells whether the one before it found the same.
    func isConfirmed(by finding: Finding?) -> Bool {
        former.withLock { former in
            defer { former = finding }
            return finding != nil && finding == former
        }
    }
}
