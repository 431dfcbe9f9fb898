import Shared

/// Where the nodes' ports answer on this host, for states that a machine tells with its own ports.
struct HostPorts: Sendable, Equatable {
    /// The machine's port to that of this host, where Vagrant has moved it out of somebody's way.
    private let moved: [Int: Int]

    /// A port that cannot be told stays the machine's: a state is worth showing without it.
    init(_ machine: any Machine, _ configuration: Configuration) async {
        var moved: [Int: Int] = [:]
        for port in configuration.nodes.map(\.port) {
            if let endpoint = try? await machine.endpoint(forGuestPort: port), endpoint.port != port {
                moved[port] = endpoint.port
            }
        }
        self.moved = moved
    }

    func applied(to result: RunResult) -> RunResult {
        var result = result
        if let roles = result.roles { result.roles?.formation = applied(to: roles.formation) }
        if let formation = result.cluster?.formation { result.cluster?.formation = applied(to: formation) }
        return result
    }

    func applied(to state: FormationState) -> FormationState {
        var state = state
        for index in state.nodes.indices {
            state.nodes[index].publishedPort = state.nodes[index].publishedPort.map { moved[$0] ?? $0 }
        }
        return state
    }
}
