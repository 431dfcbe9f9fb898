import Shared

/// One act of an order: of a change of roles, a stop, a start, a removal. It was decided beforehand that it is done, so
/// it only announces itself and acts.
struct DecidedStep: Step {
    let id: String
    let title: String
    let dependencies: [String]
    /// What it changes, in words; nil where it only waits for what comes by itself.
    let change: String?
    let work: @Sendable (AgentContext) async throws -> Void

    let always = true
    let confirmed = false

    func inspect(_ context: AgentContext) async throws -> [Change] { change.map { [Change(.change, id, $0)] } ?? [] }

    func apply(_ changes: [Change], _ context: AgentContext) async throws { try await work(context) }
}
