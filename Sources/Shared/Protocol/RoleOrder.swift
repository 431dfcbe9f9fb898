/// A change of roles that a run is asked for: what pg_auto_failover's manual has people try out.
public enum RoleOrder: Sendable, Codable, Equatable {
    /// Another node becomes primary in order; nil leaves it to the monitor which one.
    case switchover(to: String?)
    /// A node fails; nil means the primary.
    case failover(node: String?, way: FailoverWay)
    case maintenance(node: String, turn: MaintenanceTurn)

    public enum FailoverWay: String, Sendable, Codable {
        /// The node's container is killed, and started again once another node is primary.
        case crash
        /// The monitor is ordered to let another node be primary.
        case order
    }

    public enum MaintenanceTurn: String, Sendable, Codable {
        case enable
        /// The same for a primary, which hands over first.
        case enableWithFailover = "enable-with-failover"
        case disable
    }

    /// As people type it, without its options.
    public var verb: String {
        switch self {
        case .switchover: "switchover"
        case .failover: "failover"
        case .maintenance(_, .disable): "maintenance disable"
        case .maintenance: "maintenance enable"
        }
    }

    /// The node that is named, if one is.
    public var node: String? {
        switch self {
        case .switchover(let node): node
        case .failover(let node, _): node
        case .maintenance(let node, _): node
        }
    }

    /// The words of a command line: the same for the host and the agent.
    ///
    /// - Parameter options: of the program that is meant; they come before the node where that is an argument.
    package func words(_ options: [String] = []) -> [String] {
        switch self {
        case .switchover(let node):
            ["switchover"] + (node.map { ["--to", $0] } ?? []) + options
        case .failover(let node, let way):
            ["failover"] + (node.map { ["--node", $0] } ?? []) + (way == .order ? ["--order"] : []) + options
        case .maintenance(let node, let turn):
            ["maintenance", turn == .disable ? "disable" : "enable"]
                + (turn == .enableWithFailover ? ["--allow-failover"] : []) + options + ["--", node]
        }
    }
}

/// What became of a change of roles, and what it cost the clients.
public struct RoleChange: Sendable, Codable, Equatable {
    /// One node's state as the monitor has it, from a moment on.
    public struct Turn: Sendable, Codable, Equatable {
        /// Since the order was given.
        public var seconds: Double
        public var node: String
        public var reported: String
        public var assigned: String

        public init(seconds: Double, node: String, reported: String, assigned: String) {
            self.seconds = seconds
            self.node = node
            self.reported = reported
            self.assigned = assigned
        }
    }

    /// `switchover`, `failover`, `maintenance enable`, `maintenance disable`.
    public var verb: String
    /// The node that failed, or whose maintenance began or ended; nil for a switchover.
    public var node: String?
    /// Who was primary, and who is.
    public var from: String
    public var to: String
    /// The longest time between two acknowledged writes of a client that wrote all the while.
    public var secondsWithoutWrites: Double
    /// The usual time between two of them: a shorter pause cannot be told from none.
    public var resolution: Double
    /// From the order until every node had its place and was healthy.
    public var secondsUntilHealthy: Double
    /// Through which states the nodes went.
    public var states: [Turn]
    /// Where they are at the end.
    public var formation: FormationState

    public init(
        verb: String, node: String?, from: String, to: String, secondsWithoutWrites: Double, resolution: Double,
        secondsUntilHealthy: Double, states: [Turn], formation: FormationState
    ) {
        self.verb = verb
        self.node = node
        self.from = from
        self.to = to
        self.secondsWithoutWrites = secondsWithoutWrites
        self.resolution = resolution
        self.secondsUntilHealthy = secondsUntilHealthy
        self.states = states
        self.formation = formation
    }
}
