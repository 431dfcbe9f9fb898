import Shared

/// Another node becomes primary in order, which takes seconds: so that one can go without a failure that somebody has to
/// notice first.
struct Handover: Sendable {
    let topology: ClusterTopology

    private var names: [String] { topology.configuration.nodes.map(\.name) }

    /// Whether a node is primary now and another one of the configuration is ready to take over.
    func isPossible(from name: String, _ rows: [Monitor.Row]) -> Bool {
        rows.contains { $0.name == name && $0.isPrimary }
            && rows.contains {
                $0.name != name && names.contains($0.name) && $0.reported == "secondary" && $0.isHealthy
                    && $0.priority > 0
            }
    }

    /// Orders it and waits until another node of the configuration is primary.
    func perform(from name: String, step: String, _ context: AgentContext) async throws {
        let monitor = context.monitor
        try await awaitReadiness(name, step: step, monitor, context)
        try await monitor.performFailover()
        let wait = Wait(
            for: "another node than \(name) to be primary", upTo: .seconds(600), every: .milliseconds(200),
            sparing: true, hint: "Look at `pgaf-agent status` on the machine, then run `up` again.", code: .nodeFailed)
        try await context.wait(wait, step: step) {
            let rows = try await monitor.rows() ?? []
            return rows.contains { $0.isPrimary && $0.isSettled && $0.name != name && names.contains($0.name) }
                ? .found(()) : .notYet(FormationJudgement.notes(rows, names: names).joined(separator: "; "))
        }
    }

    /// The monitor refuses the order while the primary is on its way (it takes up other settings, or a standby comes).
    private func awaitReadiness(
        _ name: String, step: String, _ monitor: Monitor, _ context: AgentContext
    ) async throws {
        let wait = Wait(
            for: "\(name) to be ready to hand over", upTo: .seconds(600), every: .milliseconds(200), sparing: true,
            hint: "Look at `pgaf-agent status` on the machine, then run `up` again.", code: .nodeFailed)
        try await context.wait(wait, step: step) { () async throws -> Wait.Observation<Void> in
            guard let row = try await monitor.rows()?.first(where: { $0.name == name }) else {
                return .notYet("the monitor does not know it")
            }
            return row.reported == "primary" && row.assigned == "primary"
                ? .found(()) : .notYet("it reports \(row.reported), the monitor assigned \(row.assigned)")
        }
    }
}
