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

/// An order for the cluster as a whole: to rest, and to come back.
public enum ClusterOrder: String, Sendable, Codable, CaseIterable, RunOrder {
    /// Standbys, primary, monitor.
    case stop
    /// Monitor, primary, standbys, until all are healthy.
    case start

    public var verb: String { rawValue }

    package func words(_ options: [String] = []) -> [String] { [rawValue] + options }
}

/// What became of such an order.
public struct ClusterChange: Sendable, Codable, Equatable {
    /// `stop`, `start`.
    public var verb: String
    /// The containers that were stopped, in their order, or that had to be started.
    public var containers: [String]
    /// The formation at the end; nil when it was stopped.
    public var formation: FormationState?

    public init(_ order: ClusterOrder, containers: [String], formation: FormationState? = nil) {
        verb = order.verb
        self.containers = containers
        self.formation = formation
    }
}
