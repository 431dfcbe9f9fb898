import FoundationEssentials
import Shared

/// What only a start takes up: one server after another is restarted inside its container, or with it where pg_autoctl
/// could not do so.
struct RestartStep: Step {
    let id = "restarts"
    let title = "what needs a restart of PostgreSQL"
    let topology: ClusterTopology

    /// After the departures: a primary that hands over must not be restarted meanwhile.
    var dependencies: [String] { names.map { "access.\($0)" } + ["departures"] }

    private var names: [String] { topology.configuration.nodes.map(\.name) }

    func inspect(_ context: AgentContext) async throws -> [Change] {
        try await pending(context).map { Change(.change, "restart", $0.description) }
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        var primary = try await settledPrimary(context)
        // After each restart everything is looked at again: another node may have become primary meanwhile.
        while let turn = PendingRestart.next(try await pending(context), primary: primary) {
            if turn.node == primary, !turn.lowersWhatBindsStandbys, try await handOver(from: primary, context) {
                primary = try await settledPrimary(context)
                continue
            }
            await context.output(id)(turn.description)
            if turn.node == primary {
                try await withoutCandidates(beside: primary, context) { _ = try await restart(turn, context) }
                primary = try await settledPrimary(context)
            } else {
                primary = try await restart(turn, context)
            }
        }
    }

    /// A primary that is away for a second is taken for a failed one: another node takes over in order before that.
    ///
    /// - Returns: false where no other node can.
    private func handOver(from primary: String, _ context: AgentContext) async throws -> Bool {
        let handover = Handover(topology: topology)
        guard let rows = try await context.monitor.rows(), handover.isPossible(from: primary, rows) else {
            return false
        }
        await context.output(id)("another node becomes primary before PostgreSQL of \(primary) is restarted")
        try await handover.perform(from: primary, step: id, context)
        return true
    }

    /// Where the primary has to be restarted as it is, nobody may be promoted meanwhile. Should the run be killed here, the
    /// next one gives the priorities back: they are among the failover settings, and `status` says so until then.
    private func withoutCandidates(
        beside primary: String, _ context: AgentContext, _ work: () async throws -> Void
    ) async throws {
        let others = topology.configuration.nodes.filter { $0.name != primary && $0.candidatePriority > 0 }
        let autoctl = Autoctl(runner: context.runner)
        do {
            for node in others { try await autoctl.setPriority(node.name, 0) }
            _ = try await settledPrimary(context)
            try await work()
        } catch {
            // A primary that does not come up may be what failed: then others have to be able to take over.
            for node in others {
                do {
                    try await autoctl.setPriority(node.name, node.candidatePriority)
                } catch {
                    await context.warnings.add(
                        "The candidate priority of \(node.name) may still be 0, with which it cannot take over: `up` sets"
                            + " it to \(node.candidatePriority) again.")
                }
            }
            throw error
        }
        for node in others { try await autoctl.setPriority(node.name, node.candidatePriority) }
    }

    private func settledPrimary(_ context: AgentContext) async throws -> String {
        try await SettledFormation(topology: topology, code: .nodeFailed).wait(step: id, context)
    }

    /// Restarts the server, and waits until every node has reported to the monitor after that: what it heard before knows
    /// nothing of the restart.
    ///
    /// - Returns: the primary's name.
    private func restart(_ turn: PendingRestart, _ context: AgentContext) async throws -> String {
        let node = turn.node
        let before = try await context.psql.attempt(node, Self.startTime)
        // What counts is the server itself: pg_autoctl reports an error ("Failed to find pid") where it looks for the new
        // process before there is one.
        var refusal: PgafError?
        do {
            if turn.hasLostConfiguration {
                try await context.docker.checked(["restart", node])
            } else {
                try await Autoctl(runner: context.runner).restartPostgres(node)
            }
        } catch let error as PgafError where error.code == .nodeFailed {
            refusal = error
        }
        let wait = Wait(
            for: "PostgreSQL of \(node) to be restarted", upTo: .seconds(refusal == nil ? 300 : 60),
            every: .milliseconds(100), sparing: true,
            hint: "Look at `docker logs \(node)` on the machine, then run `up` again.", code: .nodeFailed)
        do {
            try await context.wait(wait, step: id) {
                let now = try await context.psql.attempt(node, Self.startTime)
                return now != nil && now != before
                    ? .found(()) : .notYet(now == nil ? "it takes no connections" : "not yet")
            }
        } catch let error as PgafError where error.code == .nodeFailed {
            throw refusal ?? error
        }
        let restarted = try await context.monitor.time()
        return try await SettledFormation(topology: topology, code: .nodeFailed).wait(
            since: restarted, step: id, context)
    }

    private static let startTime = "SELECT pg_postmaster_start_time();"

    private func pending(_ context: AgentContext) async throws -> [PendingRestart] {
        try await withThrowingTaskGroup(of: (String, PendingRestart?).self) { group in
            for name in names { group.addTask { (name, try await pending(name, context)) } }
            var found: [String: PendingRestart] = [:]
            for try await (name, pending) in group { found[name] = pending }
            return names.compactMap { found[$0] }
        }
    }

    /// What the server itself holds back, and in a plan also what it will hold back once its new file is there.
    private func pending(_ name: String, _ context: AgentContext) async throws -> PendingRestart? {
        var settings = try await read(name, Self.heldBack, context)
        if context.isPlanning, let node = topology.configuration.nodes.first(where: { $0.name == name }) {
            let container = ContainerConvergence.node(node, topology)
            // A container that is made anew starts with everything.
            guard try await !container.isAhead(context) else { return nil }
            let changed = try container.changedSettings(context)
            if !changed.isEmpty {
                let names = changed.keys.sorted().map(SQL.literal).joined(separator: ", ")
                settings = try await read(name, Self.toCome(names), context).map { setting in
                    PendingRestart.Setting(name: setting.name, now: setting.now, next: changed[setting.name] ?? nil)
                }
            }
        }
        let hasLost = try await context.psql.attempt(name, Autoctl.hasNoSettings) == "t"
        guard hasLost || !settings.isEmpty else { return nil }
        return PendingRestart(node: name, settings: settings, hasLostConfiguration: hasLost)
    }

    /// - Returns: an empty list when the server does not answer, which is another step's concern.
    private func read(_ name: String, _ query: String, _ context: AgentContext) async throws -> [PendingRestart.Setting]
    {
        guard let text = try await context.psql.attempt(name, query) else { return [] }
        return try JSONDecoder().decode([PendingRestart.Setting].self, from: Data(text.utf8))
    }

    /// Settings of pgaf's own file that wait for a restart, those included that are no longer in it. pg_autoctl has others,
    /// which a change of roles leaves waiting and which are nobody's concern.
    private static let heldBack = """
        SELECT coalesce(json_agg(json_build_object('name', s.name, 'now', current_setting(s.name), 'next', f.setting)
            ORDER BY s.name), '[]')
            FROM pg_settings s LEFT JOIN LATERAL (
                SELECT setting, sourcefile FROM pg_file_settings WHERE name = s.name ORDER BY seqno DESC LIMIT 1) f ON true
            WHERE s.pending_restart
                AND (s.sourcefile LIKE '\(ContainerLayout.configuration)/%'
                    OR f.sourcefile LIKE '\(ContainerLayout.configuration)/%');
        """

    /// - Parameter names: SQL literals, a comma between them.
    private static func toCome(_ names: String) -> String {
        """
        SELECT coalesce(json_agg(json_build_object('name', s.name, 'now', current_setting(s.name)) ORDER BY s.name), '[]')
            FROM pg_settings s WHERE s.context = 'postmaster' AND s.name IN (\(names));
        """
    }
}
