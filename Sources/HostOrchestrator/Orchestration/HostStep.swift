import Shared

/// The steps that the host takes before the agent can take its own.
///
/// So a run has two events `plan`: these steps first, the agent's once it has looked at the machine.
enum HostStep: String, CaseIterable, Sendable {
    case machine, connect, agent

    var id: String { rawValue }

    /// The step in a plan.
    func planned(_ title: String, _ action: PlannedStep.Action = .change, after: HostStep? = nil) -> PlannedStep {
        PlannedStep(id: id, title: title, dependencies: after.map { [$0.id] } ?? [], action: action)
    }

    /// The host's part of the plan, for a machine described in words.
    static func plan(machine description: String) -> [PlannedStep] {
        [
            machine.planned("Start \(description)"), connect.planned("Connect to it", after: .machine),
            agent.planned("Install the agent", after: .connect),
        ]
    }
}
