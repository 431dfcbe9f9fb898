import Shared

/// The steps that the host takes before the agent can take its own.
///
/// So a run has two events `plan`: these steps first, the agent's once it has looked at the machine.
enum HostStep: String, CaseIterable, Sendable {
    case machine, connect, agent

    var id: String { rawValue }

    /// The host's part of the plan, for a machine described in words.
    static func plan(machine description: String) -> [PlannedStep] {
        [
            PlannedStep(
                id: machine.id, title: "Start \(description)", dependencies: [], action: .change),
            PlannedStep(id: connect.id, title: "Connect to it", dependencies: [machine.id], action: .change),
            PlannedStep(
                id: agent.id, title: "Install the agent", dependencies: [connect.id], action: .change),
        ]
    }
}
