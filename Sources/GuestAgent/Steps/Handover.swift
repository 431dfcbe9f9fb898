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

    private var times: RecoveryTimes { topology.recoveryTimes }

    /// Orders it and waits until another node of the configuration is primary.
    ///
    /// - Parameter target: who is to be it; nil leaves that to the monitor.
    func perform(
        from name: String, to target: String? = nil, step: String, _ context: AgentContext
    ) async throws {
        try await awaitReadiness(name, step: step, context.monitor, context)
        if let target {
            try await context.monitor.performPromotion(of: target)
        } else {
            try await context.monitor.performFailover()
        }
        try await awaitTakeover(from: name, normally: times.promotion, step: step, context)
    }

    /// Waits until another node of the configuration is primary.
    func awaitTakeover(
        from name: String, normally span: RecoveryTimes.Span, step: String, _ context: AgentContext
    ) async throws {
        let wait = Wait(
            for: "another node than \(name) to be primary (\(span.words))", upTo: .seconds(600),
            every: .milliseconds(200), sparing: true,
            hint: "Look at `pgaf-agent status` on the machine, then run `up` again.", code: .nodeFailed)
        try await context.wait(wait, step: step) {
            let rows = try await context.monitor.rows() ?? []
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
