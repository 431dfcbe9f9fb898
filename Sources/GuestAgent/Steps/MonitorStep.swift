import Shared

/// The pg_auto_failover monitor: its container, the password with which the nodes register, and its guard.
struct MonitorStep: Step {
    let id = "monitor"
    let title = "the monitor"
    let dependencies = ["certificates", "network"]
    let topology: ClusterTopology

    var container: ContainerConvergence {
        let topology = topology
        return ContainerConvergence(
            name: topology.configuration.monitor.name, files: firstFiles, lasting: topology.monitorFiles
        ) {
            topology.monitorContainer(imageHash: $0)
        }
    }

    /// While the cluster comes up the monitor looks twice a second: a node counts as secondary only once it was seen
    /// healthy, and the default of 5 s would be waited for three times. Not on a slow machine, where a look is a
    /// connection that costs more than it saves. The step `failover-settings` sets the final timings.
    private var firstFiles: [String: String] {
        var files = topology.monitorFiles
        var settings = PostgresTuning.monitor(topology.failoverTimings)
        if !topology.facts.isSlow {
            settings["pgautofailover.health_check_period"] = "500"
            settings["pgautofailover.health_check_retry_delay"] = "200"
        }
        files["postgresql.conf"] = PostgresTuning.text(settings)
        return files
    }

    /// Whether the first settings are others than the lasting ones.
    var beginsFaster: Bool { firstFiles != topology.monitorFiles }

    func inspect(_ context: AgentContext) async throws -> [Change] {
        var changes = try await container.inspect(context)
        if changes.isEmpty, try await !hasPassword(context) {
            changes.append(Change(.change, "password", "set the password of autoctl_node on the monitor"))
        }
        // A server that does not run yet cannot be asked; `apply` does.
        let isDown = ["container", "start", "unpause"].contains { changes.has($0) }
        if !isDown, try await !hasGuard(context) {
            changes.append(
                Change(.change, "guard", "let the monitor promote one node at a time: triggers on pgautofailover.node"))
        }
        return changes
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        try await container.apply(changes, step: id, context)
        let name = topology.configuration.monitor.name
        let wait = Wait(
            for: "the monitor to be ready", upTo: .seconds(900), every: .milliseconds(100), sparing: true,
            hint: "Look at `docker logs \(name)` on the machine, then run `up` again.", code: .monitorFailed)
        try await context.wait(wait, step: id, in: name) {
            // The role comes with the extension, which pg_autoctl creates last.
            let sql = "SELECT 1 FROM pg_extension WHERE extname = 'pgautofailover';"
            let answer = try await context.psql.attempt(name, database: Monitor.database, sql)
            return answer == "1" ? .found(()) : .notYet("the extension pgautofailover is not there yet")
        }
        if try await !hasPassword(context) {
            if try await context.monitor.rows()?.isEmpty == true { try await holdNodesBack(context) }
            try await context.psql.checked(
                name, database: Monitor.database, Roles.setPassword("autoctl_node", context.secrets.monitor),
                code: .monitorFailed, what: "The password of autoctl_node could not be set on the monitor.")
        }
        if try await !hasGuard(context) {
            try await context.psql.checked(
                name, database: Monitor.database, MonitorGuard.installation, code: .monitorFailed,
                what: "The triggers that keep the monitor from promoting two nodes at once could not be made.")
        }
    }

    /// From the password on nodes can register, and the first of them becomes the primary. Those whose servers wait for the
    /// monitor to begin, after a reboot or in another restart, stand still until it is known who has to be first.
    private func holdNodesBack(_ context: AgentContext) async throws {
        let names = topology.configuration.nodes.map(\.name)
        let running = try await context.docker.containers(names).filter { $0.value.running }.map(\.key).sorted()
        for name in running where try await !context.psql.answers(name) {
            try await context.docker.checked(["stop", name])
        }
    }

    private func hasGuard(_ context: AgentContext) async throws -> Bool {
        try await context.psql.attempt(
            topology.configuration.monitor.name, database: Monitor.database, MonitorGuard.question)
            == MonitorGuard.expected
    }

    private func hasPassword(_ context: AgentContext) async throws -> Bool {
        let stored = try await context.psql.attempt(
            topology.configuration.monitor.name, Roles.storedPassword("autoctl_node"))
        return ScramVerifier.matches(context.secrets.monitor, stored ?? "")
    }
}

/// SQL about roles; passwords only as verifiers, and these where no server keeps statements either.
enum Roles {
    /// Settings of a session: a server logs a statement which it refuses, as one that has just become a standby does, and
    /// others as it is told to; pg_autoctl has it load what keeps statistics of each.
    private static let unseen = [
        ("log_min_error_statement", "panic"), ("log_statement", "none"), ("log_min_duration_statement", "-1"),
        ("log_min_duration_sample", "-1"), ("log_transaction_sample_rate", "0"), ("pg_stat_statements.track", "none"),
    ]

    static func setPassword(_ role: String, _ password: Secret) -> String {
        unseen.map { "SET \($0) = \($1);\n" }.joined()
            + "ALTER ROLE \(SQL.identifier(role)) PASSWORD \(SQL.literal(ScramVerifier.make(password).revealed));"
    }

    static func storedPassword(_ role: String) -> String {
        "SELECT rolpassword FROM pg_authid WHERE rolname = \(SQL.literal(role));"
    }
}
