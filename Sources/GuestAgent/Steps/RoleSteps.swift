import Shared
import Synchronization

/// The acts of a change of roles, one after another.
final class RoleSteps: Sendable {
    private struct State {
        var current = ""
        /// A container that was killed and has to be started again, whatever happens.
        var killed: String?
        /// The monitor's time after which the nodes have to have reported, to be believed.
        var since: Double?
        var primary: String?
    }

    private let order: RoleOrder
    private let roles: RoleJudgement.Roles
    private let topology: ClusterTopology
    /// Nodes that nobody expects to be healthy at the end.
    private let resting: Set<String>
    /// Said before a standby fails.
    private let meaning: String?
    private let state = Mutex(State())

    /// - Parameter resting: nodes that are in maintenance beforehand.
    init(
        _ order: RoleOrder, _ roles: RoleJudgement.Roles, _ topology: ClusterTopology, resting: Set<String>,
        meaning: String? = nil
    ) {
        self.meaning = meaning
        self.order = order
        self.roles = roles
        self.topology = topology
        self.resting =
            switch order {
            case .maintenance(let node, .disable): resting.subtracting([node])
            case .maintenance(let node, _): resting.union([node])
            default: resting
            }
    }

    /// Id of the step that is taken now.
    var current: String { state.withLock { $0.current } }
    /// The primary once all is settled.
    var primary: String { state.withLock { $0.primary } ?? roles.primary }

    private var times: RecoveryTimes { topology.recoveryTimes }
    private var node: String { roles.node }

    var all: [any Step] {
        let acts =
            switch order {
            case .switchover, .failover(_, .order): [handover]
            case .failover: [crash, roles.isPrimaryConcerned ? takeover : notice, comeback]
            case .maintenance(_, .disable): [comebackFromMaintenance]
            case .maintenance: [maintenance]
            }
        var steps: [any Step] = []
        for act in acts + [settle] {
            let before = steps.last.map { [$0.id] } ?? []
            steps.append(
                DecidedStep(id: act.id, title: act.title, dependencies: before, change: act.change) { context in
                    self.state.withLock { $0.current = act.id }
                    try await act.work(context)
                })
        }
        return steps
    }

    private struct Act: Sendable {
        let id: String
        let title: String
        let change: String?
        let work: @Sendable (AgentContext) async throws -> Void
    }

    private var handover: Act {
        let (node, target, topology) = (node, roles.target, topology)
        let words = "let \(target ?? "another node") become primary instead of \(node)"
        return Act(id: "handover", title: "\(target ?? "another node") takes over in order", change: words) {
            try await Handover(topology: topology).perform(from: node, to: target, step: "handover", $0)
        }
    }

    private var crash: Act {
        Act(id: "crash", title: "the crash of \(node)", change: "kill the container \(node)") { [self] context in
            if let meaning {
                await context.events.write(.stepProgress(step: "crash", fraction: nil, message: meaning))
            }
            state.withLock { $0.killed = node }
            // Docker takes a kill of its own for somebody's order and leaves the container stopped.
            try await context.docker.checked(
                ["kill", "--signal", "KILL", node], what: "The container \(node) could not be killed.")
        }
    }

    private var takeover: Act {
        let (node, topology, span) = (node, topology, times.failover)
        return Act(id: "takeover", title: "another node takes over from \(node)", change: nil) {
            try await Handover(topology: topology).awaitTakeover(from: node, normally: span, step: "takeover", $0)
        }
    }

    private var notice: Act {
        let (node, span) = (node, times.givenUp + times.turn)
        return Act(id: "notice", title: "the monitor notices that \(node) is gone", change: nil) { context in
            let wait = Self.wait("the monitor to go on without \(node) (\(span.words))", node)
            try await context.wait(wait, step: "notice") { () async throws -> Wait.Observation<Void> in
                let row = try await context.monitor.rows()?.first { $0.name == node }
                return row?.assigned == "secondary" ? .notYet("it still counts as a secondary") : .found(())
            }
        }
    }

    private var comeback: Act {
        Act(id: "comeback", title: "\(node) starts again", change: "start the container \(node)") { [self] context in
            let time = try await context.monitor.time()
            state.withLock { $0.since = time }
            try await bringBack(context)
        }
    }

    /// Starts a container that was killed, if one is left so.
    func bringBack(_ context: AgentContext) async throws {
        guard let name = state.withLock({ $0.killed }) else { return }
        try await context.docker.checked(["start", name], what: "The container \(name) could not be started again.")
        state.withLock { $0.killed = nil }
    }

    private var maintenance: Act {
        let (node, span) = (node, times.promotion + times.turn)
        return Act(id: "maintenance", title: "\(node) goes into maintenance", change: "take \(node) out of service") {
            context in
            try await context.monitor.setMaintenance(node, true)
            let wait = Self.wait("\(node) to be in maintenance (\(span.words))", node)
            try await context.wait(wait, step: "maintenance") { () async throws -> Wait.Observation<Void> in
                guard let row = try await context.monitor.rows()?.first(where: { $0.name == node }) else {
                    return .notYet("the monitor does not answer")
                }
                return row.isInMaintenance
                    ? .found(()) : .notYet("it is \(row.reported), the monitor assigned \(row.assigned)")
            }
        }
    }

    private var comebackFromMaintenance: Act {
        let (node, topology) = (node, topology)
        return Act(id: "maintenance", title: "\(node) comes back from maintenance", change: "put \(node) into service")
        {
            context in
            try await context.monitor.setMaintenance(node, false)
            let span = topology.recoveryTimes.comesBack
            let wait = Self.wait("\(node) to be in service (\(span.words))", node)
            try await context.wait(wait, step: "maintenance") { () async throws -> Wait.Observation<Void> in
                let row = try await context.monitor.rows()?.first { $0.name == node }
                return row?.isSettled == true ? .found(()) : .notYet("it is \(row?.reported ?? "unknown")")
            }
        }
    }

    private var settle: Act {
        Act(id: "settle", title: "every node takes its place", change: nil) { [self] context in
            let settled = SettledFormation(
                topology: topology, without: resting, normally: times.comesBack, code: .nodeFailed)
            let primary = try await settled.wait(since: state.withLock { $0.since }, step: "settle", context)
            state.withLock { $0.primary = primary }
        }
    }

    private static func wait(_ what: String, _ node: String) -> Wait {
        Wait(
            for: what, upTo: .seconds(600), every: .milliseconds(200), sparing: true,
            hint: "Look at `pgaf-host status` and `docker logs \(node)` on the machine.", code: .nodeFailed)
    }
}
