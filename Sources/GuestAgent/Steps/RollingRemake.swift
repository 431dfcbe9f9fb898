import Shared
import Synchronization

/// The turns in which the containers of nodes are made anew: one at a time, while all others are healthy, the primary last
/// and after another node has become primary. So clients lose the primary once at most, for the seconds of a handover.
///
/// One value for the steps of all nodes, which run side by side where nothing has to be made anew.
final class RollingRemake: Sendable {
    private let topology: ClusterTopology
    private let state = Mutex(State())
    /// Nodes that join at the same time would set the same passwords on the same primary.
    let passwords = Turnstile(1)

    /// How long a formation that nobody works on may take to become healthy.
    private static let patience = Duration.seconds(900)

    private struct State {
        var holder: String?
        /// Since when nobody has had a turn; the first look begins it, since an image may take long before.
        var freeSince: ContinuousClock.Instant?
        /// The first node that did not come to its place.
        var failed: String?
    }

    init(_ topology: ClusterTopology) { self.topology = topology }

    /// Says that a node's step has failed: nobody goes on making nodes anew then.
    func fail(_ name: String) { state.withLock { $0.failed = $0.failed ?? name } }

    /// Does the work when it is the node's turn.
    ///
    /// - Throws: `node.failed` when the others do not become healthy, `cancelled` when another node did not come back.
    func inTurn(_ name: String, step: String, _ context: AgentContext, _ work: () async throws -> Void) async throws {
        let wait = Wait(
            for: "the turn of \(name) to be made anew: one node after another, the primary last",
            upTo: Self.patience * (topology.configuration.nodes.count + 1), every: .milliseconds(200), sparing: true,
            hint: Self.hint, code: .nodeFailed)
        try await context.wait(wait, step: step) { try await look(name, context) }
        defer {
            state.withLock { state in
                state.holder = nil
                state.freeSince = .now
            }
        }
        try await handOver(name, step: step, context)
        try await work()
    }

    private static let hint = "Look at `pgaf-agent status` on the machine, then run `up` again."

    /// Takes the turn if it is the node's.
    private func look(_ name: String, _ context: AgentContext) async throws -> Wait.Observation<Void> {
        let (failed, holder, freeSince) = state.withLock { state in
            let since = state.freeSince ?? .now
            state.freeSince = since
            return (state.failed, state.holder, since)
        }
        if let failed {
            throw PgafError(
                .cancelled, "\(name) was left as it is, because \(failed) did not take its place.",
                remedy: "Run `up` again once \(failed) is in order.")
        }
        if let holder { return .notYet("\(holder) is made anew") }
        guard let obstacle = try await obstacle(name, context) else {
            let isMine = state.withLock { state in
                if state.holder == nil { state.holder = name }
                return state.holder == name
            }
            return isMine ? .found(()) : .notYet("another node is made anew")
        }
        guard ContinuousClock.now - freeSince < Self.patience else {
            throw PgafError(
                .nodeFailed, "\(name) has to be made anew, but not while other nodes are not healthy.",
                remedy: Self.hint, cause: obstacle)
        }
        return .notYet(obstacle)
    }

    /// Why it is not the node's turn; nil when it is.
    private func obstacle(_ name: String, _ context: AgentContext) async throws -> String? {
        guard let rows = try await context.monitor.rows() else { return "the monitor does not answer" }
        let isServing = try await context.psql.answers(name)
        if let obstacle = RemakeOrder.obstacle(name, rows, isServing: isServing, names: names) { return obstacle }
        guard isServing, rows.contains(where: { $0.name == name && $0.isPrimary }) else { return nil }
        for node in topology.configuration.nodes where node.name != name {
            let changes = try await ContainerConvergence.node(node, topology).inspect(context)
            if changes.isRemake { return "\(node.name) comes before the primary" }
        }
        return nil
    }

    /// Lets another node be primary before a primary goes, where one is ready, and waits until all is well again.
    private func handOver(_ name: String, step: String, _ context: AgentContext) async throws {
        let handover = Handover(topology: topology)
        guard let rows = try await context.monitor.rows(), handover.isPossible(from: name, rows) else { return }
        await context.output(step)("another node becomes primary before \(name) is made anew")
        try await handover.perform(from: name, step: step, context)
        let wait = Wait(
            for: "all nodes to be healthy behind the new primary", upTo: Self.patience, every: .milliseconds(200),
            sparing: true, hint: Self.hint, code: .nodeFailed)
        try await context.wait(wait, step: step) {
            let rows = try await context.monitor.rows() ?? []
            let obstacle = RemakeOrder.obstacle(name, rows, isServing: true, names: names)
            return obstacle == nil ? .found(()) : .notYet(obstacle ?? "")
        }
    }

    private var names: [String] { topology.configuration.nodes.map(\.name) }
}

/// Whether a node may go for a while; pure.
enum RemakeOrder {
    /// What stands in the way of making a node anew; nil when nothing does.
    ///
    /// A node that serves nobody may go at once: it is perhaps what the others wait for. The monitor's word about health
    /// alone is not enough for that, since a monitor that was just started has not looked at anybody yet.
    /// - Parameter isServing: whether the node's PostgreSQL takes connections.
    static func obstacle(_ name: String, _ rows: [Monitor.Row], isServing: Bool, names: [String]) -> String? {
        guard isServing, let own = rows.first(where: { $0.name == name }), own.isPrimary || own.reported == "secondary"
        else { return nil }
        // Nodes that are not registered yet are made in the same run, behind these.
        let registered = names.filter { name in rows.contains { $0.name == name } }
        let notes = FormationJudgement.notes(rows, names: registered)
        return notes.isEmpty ? nil : notes.joined(separator: "; ")
    }
}

extension [Change] {
    /// Whether a container that is there has to go for another one.
    var isRemake: Bool { contains { $0.subject == "container" && $0.kind == .change } }
}
