import FoundationEssentials
import Shared

/// Settings that only a start of PostgreSQL takes up: one server after another is restarted inside its container.
struct RestartStep: Step {
    let id = "restarts"
    let title = "settings that need a restart of PostgreSQL"
    let topology: ClusterTopology

    var dependencies: [String] { names.map { "access.\($0)" } }

    private var names: [String] { topology.configuration.nodes.map(\.name) }

    func inspect(_ context: AgentContext) async throws -> [Change] {
        try await pending(context).map { Change(.change, "restart", $0.description) }
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        var primary = try await settledPrimary(context)
        // After each restart everything is looked at again: another node may have become primary meanwhile.
        while let turn = PendingRestart.next(try await pending(context), primary: primary) {
            await context.output(id)(turn.description)
            try await restart(turn.node, context)
            primary = try await settledPrimary(context)
        }
    }

    private func settledPrimary(_ context: AgentContext) async throws -> String {
        try await SettledFormation(topology: topology, code: .nodeFailed).wait(step: id, context)
    }

    private func restart(_ node: String, _ context: AgentContext) async throws {
        let before = try await context.psql.attempt(node, Self.startTime)
        try await Autoctl(runner: context.runner).restartPostgres(node)
        let wait = Wait(
            for: "PostgreSQL of \(node) to be restarted", upTo: .seconds(300), every: .milliseconds(100), sparing: true,
            hint: "Look at `docker logs \(node)` on the machine, then run `up` again.", code: .nodeFailed)
        try await context.wait(wait, step: id) {
            let now = try await context.psql.attempt(node, Self.startTime)
            return now != nil && now != before
                ? .found(()) : .notYet(now == nil ? "it takes no connections" : "not yet")
        }
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
        return settings.isEmpty ? nil : PendingRestart(node: name, settings: settings)
    }

    /// - Returns: an empty list when the server does not answer, which is another step's concern.
    private func read(_ name: String, _ query: String, _ context: AgentContext) async throws -> [PendingRestart.Setting]
    {
        guard let text = try await context.psql.attempt(name, query) else { return [] }
        return try JSONDecoder().decode([PendingRestart.Setting].self, from: Data(text.utf8))
    }

    private static let heldBack = """
        SELECT coalesce(json_agg(json_build_object('name', s.name, 'now', current_setting(s.name), 'next',
            (SELECT f.setting FROM pg_file_settings f WHERE f.name = s.name ORDER BY f.seqno DESC LIMIT 1))
            ORDER BY s.name), '[]') FROM pg_settings s WHERE s.pending_restart;
        """

    /// - Parameter names: SQL literals, a comma between them.
    private static func toCome(_ names: String) -> String {
        """
        SELECT coalesce(json_agg(json_build_object('name', s.name, 'now', current_setting(s.name)) ORDER BY s.name), '[]')
            FROM pg_settings s WHERE s.context = 'postmaster' AND s.name IN (\(names));
        """
    }
}
