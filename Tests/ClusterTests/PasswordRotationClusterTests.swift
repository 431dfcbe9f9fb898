import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// New passwords for a cluster in use.
    @Suite(.serialized) struct PasswordRotationClusterTests {
        private let cluster: PgafProject

        init() throws { cluster = try TestCluster.local() }

        /// A session that is open writes on, roles and containers stay, and the old passwords open nothing any more.
        @Test func aRotationDisturbsNobodyWhoIsConnected() async throws {
            _ = try await cluster.up()
            let before = try await cluster.waitUntilHealthy("the start")
            let containers = try await TestCluster.identifiers(cluster)
            let old = try cluster.passwords()
            let former = try #require(old["superuser"])
            let made = try await cluster.sql(
                "DROP TABLE IF EXISTS beats; CREATE TABLE beats (at timestamptz)", ports: TestCluster.ports,
                password: former, attributes: "read-write")
            #expect(made.succeeded, "\(made.standardError)")
            let session = try openSession(former)
            defer { session.end() }
            try await beats(atLeast: 10, former)

            try await logEverything(true)
            try await cluster.host(["passwords", "rotate", "--progress", "none"])
            try await expectNoVerifierInALog()
            try await logEverything(false)
            let new = try cluster.passwords()
            #expect(new.keys.sorted() == old.keys.sorted() && new.keys.allSatisfy { new[$0] != old[$0] })
            let present = try #require(new["superuser"])
            let count = try await beats(atLeast: 1, present)
            try await beats(atLeast: count + 10, present)
            let gap = try await cluster.sql(
                "SELECT max(gap) < '3 s' FROM (SELECT at - lag(at) OVER (ORDER BY at) AS gap FROM beats) AS gaps",
                ports: TestCluster.ports, password: present, attributes: "read-write")
            #expect(gap.trimmedOutput == "t", "the open session was held up: \(gap.standardOutput)\(gap.standardError)")

            #expect(try await TestCluster.identifiers(cluster) == containers)
            let after = try await cluster.waitUntilHealthy("the rotation")
            #expect(after.nodes.map(\.reportedState) == before.nodes.map(\.reportedState))
            for (user, port, database, name) in [
                ("postgres", TestCluster.ports[0], "myappdb", "superuser"),
                ("autoctl_node", TestCluster.monitorPort, "pg_auto_failover", "monitor"),
            ] {
                let refused = try await login(user, port, database, try #require(old[name]))
                #expect(refused.standardError.contains("password authentication failed"), "\(user)")
                let taken = try await login(user, port, database, try #require(new[name]))
                #expect(taken.succeeded, "\(user): \(taken.standardError)")
            }
            // A standby logs in anew, at its primary and at the monitor.
            let standby = try #require(after.nodes.first { $0.reportedState == "secondary" }?.name)
            _ = try await cluster.command("docker", ["restart", standby])
            _ = try await cluster.waitUntilHealthy("the restart of a standby")
            #expect(PgafProject.changedSteps(try await cluster.up()).isEmpty)
        }

        /// Has every server log each statement, or as many as before.
        private func logEverything(_ isOn: Bool) async throws {
            let settings = [("log_statement", "all"), ("log_min_duration_statement", "0")].map { name, value in
                isOn ? "ALTER SYSTEM SET \(name) = '\(value)'" : "ALTER SYSTEM RESET \(name)"
            }
            let statements = (settings + ["SELECT pg_reload_conf()"]).flatMap { ["-c", $0] }
            for name in TestCluster.containers {
                let told = try await cluster.command(
                    "docker", ["exec", "--user", "postgres", name, "psql", "-XAtqd", "postgres"] + statements)
                #expect(told.succeeded, "\(name): \(told.standardError)")
            }
        }

        /// What the roles' passwords are known by stands in no server's log; a witness, which is no secret, does.
        private func expectNoVerifierInALog() async throws {
            let script = """
                psql -XAtqd postgres -c "SELECT '$0'" >/dev/null
                (echo "$0"; psql -XAtqd postgres -c "SELECT rolpassword FROM pg_authid WHERE rolpassword <> ''") |
                    grep -haoF -f - /var/lib/pgaf/data/log/* | sort -u
                """
            let witness = "witness\(UInt64.random(in: 0...UInt64.max))"
            for name in TestCluster.containers {
                let wait = Wait(for: "the witness in the log of \(name)", upTo: .seconds(30), hint: "")
                let found = try await wait.until { () async throws -> Wait.Observation<[String]> in
                    let search = try await cluster.command(
                        "docker", ["exec", "--user", "postgres", name, "sh", "-c", script, witness])
                    let lines = search.standardOutput.split(separator: "\n").map(String.init)
                    return lines.contains(witness) ? .found(lines) : .notYet(search.standardError)
                }
                #expect(found == [witness], "\(name)")
            }
        }

        /// Writes a row twenty times a second, on one connection.
        private func openSession(_ password: String) throws -> DaemonProcess {
            let hosts = TestCluster.ports.map { _ in "127.0.0.1" }.joined(separator: ",")
            let ports = TestCluster.ports.map(String.init).joined(separator: ",")
            return try DaemonProcess(
                [
                    "/usr/bin/env", "PGHOST=\(hosts)", "PGPORT=\(ports)", "PGUSER=postgres", "PGDATABASE=myappdb",
                    "PGPASSWORD=\(password)", "PGSSLMODE=require", "PGTARGETSESSIONATTRS=read-write", "sh", "-c",
                    #"echo 'INSERT INTO beats VALUES (clock_timestamp()) \watch 0.05' | exec psql -XAtq"#,
                ], outputTo: "/dev/null", errorsTo: "\(cluster.directory)/background.log")
        }

        /// How many rows the session has written, once there are so many.
        @discardableResult
        private func beats(atLeast wanted: Int, _ password: String) async throws -> Int {
            try await Wait(for: "\(wanted) rows of the open session", upTo: .seconds(30), hint: "").until {
                let read = try await cluster.sql(
                    "SELECT count(*) FROM beats", ports: TestCluster.ports, password: password, attributes: "read-write"
                )
                guard let count = Int(read.trimmedOutput) else { return .notYet(read.standardError) }
                return count >= wanted ? .found(count) : .notYet("\(count)")
            }
        }

        private func login(_ user: String, _ port: Int, _ database: String, _ password: String) async throws
            -> CommandResult
        {
            try await cluster.command(
                "psql", ["-XAtwc", "SELECT 1"],
                environment: [
                    "PGHOST": "127.0.0.1", "PGPORT": "\(port)", "PGUSER": user, "PGDATABASE": database,
                    "PGPASSWORD": password, "PGSSLMODE": "require",
                ])
        }
    }
}
