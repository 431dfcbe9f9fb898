import Shared

/// The proof by SQL that the cluster does what it promises; always run, changes nothing but one row of its own.
struct VerifyStep: Step {
    let id = "verify"
    let title = "the proof that the cluster works"
    let always = true
    let topology: ClusterTopology

    let dependencies = ["restarts", "departures", "failover-settings", "psql-client"]

    func inspect(_ context: AgentContext) async throws -> [Change] { [] }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        let primary = try await settledPrimary(context)
        let standbys = topology.configuration.nodes.filter { $0.name != primary }
        try await context.psql.checked(
            primary, Self.writeRow(context.events.run), code: .verifyFailed,
            what: "The primary \(primary) does not take a write.")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for standby in standbys {
                group.addTask { try await checkStandby(standby.name, context) }
            }
            group.addTask { try await ClientCheck(topology: topology).run(context) }
            group.addTask { try await checkSynchronousStandbys(primary, context) }
            try await group.waitForAll()
        }
        // A formation that was still moving while it was looked at has to stand still at the end.
        _ = try await settledPrimary(context)
    }

    private func settledPrimary(_ context: AgentContext) async throws -> String {
        try await SettledFormation(topology: topology, code: .verifyFailed).wait(step: id, context)
    }

    /// A table in the `postgres` database, so that the user's own databases stay untouched.
    static func writeRow(_ run: String) -> String { makeTable + writeRow(run, as: .proof) }

    static let makeTable = """
        SET client_min_messages = error;
        CREATE SCHEMA IF NOT EXISTS pgaf;
        CREATE TABLE IF NOT EXISTS pgaf.verification (id int PRIMARY KEY, run text, at timestamptz);

        """

    /// The rows of that table by who writes them.
    enum Row: Int {
        case proof = 1
        case client = 2
    }

    static func writeRow(_ run: String, as row: Row) -> String {
        """
        INSERT INTO pgaf.verification VALUES (\(row.rawValue), \(SQL.literal(run)), now())
            ON CONFLICT (id) DO UPDATE SET run = excluded.run, at = excluded.at;
        """
    }

    private func checkStandby(_ name: String, _ context: AgentContext) async throws {
        let run = SQL.literal(context.events.run)
        let seen = "EXISTS (SELECT 1 FROM pgaf.verification WHERE run = \(run))"
        let wait = Wait(
            for: "\(name) to show the row written on the primary", upTo: .seconds(120), every: .milliseconds(50),
            hint: "Look at `pgaf-agent status` and `docker logs \(name)` on the machine.", code: .verifyFailed)
        try await context.wait(wait, step: id) {
            let answer = try await context.psql.attempt(name, "SELECT 1 WHERE \(seen);")
            return answer == "1" ? .found(()) : .notYet("the row is not there yet")
        }
        let write = try await context.psql.run(name, "UPDATE pgaf.verification SET at = now();")
        guard !write.succeeded else {
            throw PgafError(
                .verifyFailed, "The standby \(name) accepted a write.",
                remedy: "Look at `pgaf-agent status` on the machine: two nodes may believe to be the primary.")
        }
    }

    private func checkSynchronousStandbys(_ primary: String, _ context: AgentContext) async throws {
        let monitor = context.monitor
        let wait = Wait(
            for: "synchronous_standby_names to be what the monitor says", upTo: .seconds(60),
            hint: "Look at `pg_autoctl show settings` in the monitor's container.", code: .verifyFailed)
        try await context.wait(wait, step: id) {
            let promised = try await monitor.synchronousStandbyNames()
            let found = try await context.psql.attempt(primary, "SHOW synchronous_standby_names;")
            return promised == found ? .found(()) : .notYet("promised \(promised ?? "-"), found \(found ?? "-")")
        }
    }
}
