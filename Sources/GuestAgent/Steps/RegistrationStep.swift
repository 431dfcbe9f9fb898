import Shared

/// Nodes that run and hold data, but that the monitor does not know: it lost its memory, or a row of it was removed. So do
/// those of which only the monitor knows, since their registration broke off.
///
/// They are told to forget their old registration and to register again, with their data and their roles; the primary
/// goes on taking writes meanwhile.
struct RegistrationStep: Step {
    static let id = "registration"
    var id: String { Self.id }
    let title = "the nodes' registration on the monitor"
    let dependencies = ["monitor"]
    let topology: ClusterTopology
    /// How long a node may take to say whether it takes writes, with the recovery after a crash in it.
    var patience = Duration.seconds(300)

    func inspect(_ context: AgentContext) async throws -> [Change] {
        guard var rows = try await context.monitor.rows() else { return [] }
        let halves = try await halfRegistered(rows, context)
        rows.removeAll { halves.contains($0.name) }
        let strangers = try await strangers(rows, context)
        if rows.isEmpty, !strangers.contains(where: \.isWritable),
            let first = try await lastPrimary(running: strangers.map(\.name), context)
        {
            return [
                Change(
                    .change, Self.first,
                    "start \(first), which has the newest data, before all others: the monitor has lost its memory")
            ]
        }
        return strangers.map {
            let why = halves.contains($0.name) ? "its registration broke off" : "which does not know it"
            return Change(.change, $0.name, "register \($0.name) with the monitor again, \(why)")
        }
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        let monitor = context.monitor
        if changes.has(Self.first) { try await startLastPrimary(context) }
        for name in try await halfRegistered(try await monitor.knownRows(), context) { try await monitor.forget(name) }
        let rows = try await monitor.knownRows()
        var strangers = try await strangers(rows, context)
        let writable = strangers.filter(\.isWritable)
        if !writable.isEmpty {
            // Those count as well that the monitor knows: one may have been promoted in the stranger's place.
            let all = try await self.strangers([], context).filter(\.isWritable)
            if all.count > 1 { throw tooMany(all.map(\.name)) }
        }
        if let primary = writable.first {
            try await awaitSuccessors(of: primary.name, rows, context)
            // The monitor registers nobody into a group whose primary it does not know: those it knows come again too.
            for row in rows { try await monitor.forget(row.name) }
            strangers = try await self.strangers([], context)
            strangers.sort { left, _ in left.name == primary.name }
        } else if rows.isEmpty {
            throw noPrimary(strangers.map(\.name))
        } else {
            try await awaitPrimary(context)
        }
        let autoctl = Autoctl(runner: context.runner)
        // pg_autoctl refuses both orders without its settings. A start gives them back, and then it finds itself unknown; in
        // its turn, since whoever registers first becomes the primary.
        var lost: Set<String> = []
        for node in strangers where try await context.psql.attempt(node.name, Autoctl.hasNoSettings) == "t" {
            lost.insert(node.name)
        }
        for node in strangers where !lost.contains(node.name) {
            await context.output(id)("\(node.name) forgets its old registration")
            do {
                try await autoctl.run(node.name, ["disable", "monitor", "--force"], patience: .seconds(60))
            } catch let error as PgafError where error.output.contains(where: { $0.contains("onitor is disabled") }) {
                // A run that ended half-way has come so far already.
            }
        }
        for node in strangers {
            await context.output(id)("\(node.name) registers with the monitor")
            if lost.contains(node.name) {
                try await context.docker.checked(["restart", node.name])
            } else {
                try await autoctl.run(node.name, ["enable", "monitor", topology.monitorURI], patience: .seconds(120))
            }
            try await awaitRow(node.name, settled: node.isWritable, context)
        }
    }

    /// Those that the monitor has registered and whose pg_autoctl does not know that: it goes on as it was, asks nobody and
    /// takes part in nothing.
    private func halfRegistered(_ rows: [Monitor.Row], _ context: AgentContext) async throws -> Set<String> {
        let names = Set(topology.configuration.nodes.map(\.name)).intersection(rows.map(\.name))
        return try await withThrowingTaskGroup(of: String?.self) { group in
            for name in names {
                group.addTask { try await context.psql.attempt(name, Self.isDisabled) == "t" ? name : nil }
            }
            return try await group.reduce(into: []) { if let name = $1 { $0.insert(name) } }
        }
    }

    /// Whether pg_autoctl has put its monitor out of use, as a new registration begins.
    static let isDisabled = """
        SELECT pg_read_file(\(SQL.literal(ContainerLayout.keeperConfiguration)), true)
            ~ '(^|\\n)monitor *= *PG_AUTOCTL_DISABLED';
        """

    /// A node that holds data, and whether it takes writes now.
    struct Stranger: Sendable {
        var name: String
        var isWritable: Bool
    }

    /// Those of the configured nodes whose PostgreSQL runs, whose pg_autoctl believes to be registered, and that the
    /// rows do not have.
    func strangers(_ rows: [Monitor.Row], _ context: AgentContext) async throws -> [Stranger] {
        let unknown = topology.configuration.nodes.map(\.name).filter { name in !rows.contains { $0.name == name } }
        return try await withThrowingTaskGroup(of: Stranger?.self) { group in
            for name in unknown {
                group.addTask {
                    let answer = try await context.psql.attempt(name, Self.question)
                    return answer.flatMap {
                        ["t", "f"].contains($0) ? Stranger(name: name, isWritable: $0 == "f") : nil
                    }
                }
            }
            let found = try await group.reduce(into: [Stranger]()) { list, one in
                if let one { list.append(one) }
            }
            return unknown.compactMap { name in found.first { $0.name == name } }
        }
    }

    /// Whether the node is a standby; no row where pg_autoctl has no memory of a registration yet.
    static let question = """
        SELECT pg_is_in_recovery() WHERE (pg_stat_file(\(SQL.literal(ContainerLayout.keeperState)), true)).size > 0
            AND (pg_stat_file(\(SQL.literal(ContainerLayout.keeperInitialisation)), true)).size IS NULL;
        """

    /// A failover may be under way.
    private func awaitPrimary(_ context: AgentContext) async throws {
        let wait = Wait(
            for: "the monitor to know a primary", upTo: .seconds(300), every: .milliseconds(500), sparing: true,
            hint: "Look at `pgaf-agent status` on the machine, then run `up` again.", code: .nodeFailed)
        try await context.wait(wait, step: id) { () async throws -> Wait.Observation<Void> in
            let rows = try await context.monitor.rows() ?? []
            return rows.contains(where: \.isPrimary)
                ? .found(()) : .notYet(rows.map { "\($0.name) reports \($0.reported)" }.joined(separator: ", "))
        }
    }

    /// Waits until no node can turn out to take writes in a stranger's place: one that is starting, or recovers from a
    /// crash, cannot be asked yet, and may have what the stranger lacks.
    ///
    /// - Throws: `node.failed` when one takes writes, does not run, or does not say it in time.
    private func awaitSuccessors(
        of stranger: String, _ rows: [Monitor.Row], _ context: AgentContext
    ) async throws {
        var empty: Set<String> = []
        for row in rows where try await !NodeRemains.mayHaveData(row.name, context) { empty.insert(row.name) }
        let others = rows.filter { $0.mayWrite && !empty.contains($0.name) }.map(\.name)
        let who = others.isEmpty ? "the others" : others.joined(separator: " and ")
        let wait = Wait(
            for: "\(who) to answer whether it takes writes beside \(stranger), which the monitor does not know",
            upTo: patience, every: .milliseconds(500), sparing: true, hint: Self.choice, code: .nodeFailed)
        try await context.wait(wait, step: id) { [empty] () async throws -> Wait.Observation<Void> in
            guard let rows = try await context.monitor.rows() else { return .notYet("the monitor does not answer") }
            for row in rows where row.mayWrite && !empty.contains(row.name) {
                let isStandby = try await context.psql.attempt(row.name, "SELECT pg_is_in_recovery();")
                if isStandby == "f" { throw tooMany([stranger, row.name]) }
                // One that is being promoted is a standby until it is none.
                if isStandby == "t", !row.isToWrite { continue }
                if isStandby == nil, try await context.docker.container(row.name)?.running != true {
                    throw noAnswer(row.name, stranger)
                }
                return .notYet("\(row.name) reports \(row.reported), the monitor assigned \(row.assigned)")
            }
            return .found(())
        }
    }

    func awaitRow(_ name: String, settled: Bool, _ context: AgentContext) async throws {
        let wait = Wait(
            for: "\(name) to be known to the monitor", upTo: .seconds(300), every: .milliseconds(100), sparing: true,
            hint: "Look at `docker logs \(name)` on the machine, then run `up` again.", code: .nodeFailed)
        try await context.wait(wait, step: id) { () async throws -> Wait.Observation<Void> in
            guard let row = try await context.monitor.rows()?.first(where: { $0.name == name }) else {
                return .notYet("it has no row")
            }
            // The others need a primary that has arrived before they can register.
            return !settled || row.isSettled ? .found(()) : .notYet("it reports \(row.reported)")
        }
    }

    private func tooMany(_ names: [String]) -> PgafError {
        PgafError(
            .nodeFailed,
            "\(names.joined(separator: " and ")) all take writes, and the monitor does not know which is right.",
            remedy: Self.choice)
    }

    /// One that nobody has started.
    private func noAnswer(_ name: String, _ stranger: String) -> PgafError {
        PgafError(
            .nodeFailed,
            "\(stranger) takes writes, and the monitor does not know it; \(name), which is primary for the monitor or"
                + " about to be, does not run and may have what \(stranger) lacks.",
            remedy: "Start it with `docker start \(name)` on the machine to see what it has. \(Self.choice)")
    }

    private static let choice =
        "Give up the node whose changes you can lose: `docker stop NAME`, `docker rm NAME` and, once you have a copy of"
        + " it where in doubt, `docker volume rm VOLUME` on the machine; then run `up` again, which makes it anew."

    private func noPrimary(_ names: [String]) -> PgafError {
        PgafError(
            .nodeFailed, "The monitor knows no primary, and none of \(names.joined(separator: ", ")) takes writes.",
            remedy: "Promote the node with the newest data on the machine, `docker exec -u postgres NAME pg_ctl promote"
                + " -D \(ContainerLayout.data)`, then run `up` again.")
    }
}

extension Monitor.Row {
    /// Whether the monitor wants the node to take writes, now or after its promotion.
    fileprivate var isToWrite: Bool { MonitorGuard.writing.contains(assigned) }
    /// Whether the node may take writes: by its own word or by the monitor's will.
    fileprivate var mayWrite: Bool { isPrimary || isToWrite }
}
