/// What a run may be asked for beside bringing the cluster up; the same words for the host and the agent.
package protocol RunOrder: Sendable {
    /// As people type it, without its options.
    var verb: String { get }

    /// The words of a command line.
    ///
    /// - Parameter options: of the program that is meant.
    func words(_ options: [String]) -> [String]
}

extension RoleOrder: RunOrder {}

/// An order for the cluster as a whole: to rest, to come back, and to go.
public enum ClusterOrder: String, Sendable, Codable, CaseIterable, RunOrder {
    /// Standbys, primary, monitor.
    case stop
    /// Monitor, primary, standbys, until all are healthy.
    case start
    /// Containers, volumes, networks, then what the machine remembers: for good.
    case down

    public var verb: String { rawValue }

    package func words(_ options: [String] = []) -> [String] {
        // Whoever gives the order has asked its user already.
        [rawValue] + (self == .down ? ["--yes"] : []) + options
    }
}

/// What became of such an order.
public struct ClusterChange: Sendable, Codable, Equatable {
    /// `stop`, `start`, `down`.
    public var verb: String
    /// The containers that were stopped, in their order, or that had to be started; none of a removal.
    public var containers: [String]
    /// The formation at the end; nil but for a start.
    public var formation: FormationState?
    /// A line for each object that was removed; nil but for a removal.
    public var removed: [String]?

    public init(_ order: ClusterOrder, containers: [String], formation: FormationState? = nil) {
        verb = order.verb
        self.containers = containers
        self.formation = formation
    }

    /// What a removal came to.
    public init(removed: [String]) {
        self.init(.down, containers: [])
        self.removed = removed
    }
}
