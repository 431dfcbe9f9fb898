import Shared

/// The wait until the monitor sees one primary and every other node as its secondary, all healthy.
struct SettledFormation: Sendable {
    let topology: ClusterTopology
    /// Nodes of which nobody expects that: they are in maintenance.
    var without: Set<String> = []
    /// How long it normally takes, where somebody wants to know.
    var normally: RecoveryTimes.Span?
    /// Of the error when it does not come to that.
    let code: ErrorCode

    private var description: String {
        let who = without.isEmpty ? "all nodes" : "all nodes but \(without.sorted().joined(separator: ", "))"
        return "\(who) to be healthy" + (normally.map { " (\($0.words))" } ?? "")
    }

    /// - Parameter since: the monitor's time after which every node has to have reported; nil where any report will do.
    /// - Returns: the primary's name.
    func wait(since: Double? = nil, step: String, _ context: AgentContext) async throws -> String {
        let monitor = context.monitor
        let names = topology.configuration.nodes.map(\.name).filter { !without.contains($0) }
        let wait = Wait(
            for: description, upTo: .seconds(900), every: .milliseconds(100), sparing: true,
            hint: "Look at `pgaf-agent status` on the machine, then run `up` again.", code: code)
        return try await context.wait(wait, step: step) {
            guard var rows = try await monitor.rows() else { return .notYet("the monitor does not answer") }
            if let since, let silent = rows.first(where: { names.contains($0.name) && $0.reportTime <= since }) {
                return .notYet("\(silent.name) has not reported yet")
            }
            if FormationJudgement.settledPrimary(rows, names: names) != nil {
                rows = try await context.docker.containers(topology.containerNames)
                    .current(rows, monitor: topology.configuration.monitor.name)
                rows = try await StreamingReplication(psql: context.psql).look(rows)
            }
            return FormationJudgement.settledPrimary(rows, names: names).map { .found($0) }
                ?? .notYet(FormationJudgement.notes(rows, names: names).joined(separator: "; "))
        }
    }
}
