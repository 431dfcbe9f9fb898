import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// A real PgBouncer from the archive, made by the files of examples/pooler and the commands of docs/pooler.md.
    @Suite(.serialized) struct PoolerTests {
        private let cluster: PgafProject
        private static let pooler = "pgaf-test-pooler"
        private static let image = "pgaf/test-pooler"
        private static let port = 17432

        init() throws { cluster = try TestCluster.local() }

        @Test func aClientWritesThroughAPoolerThatFollowsThePrimary() async throws {
            _ = try await cluster.up()
            let directory = try scratchDirectory()
            do {
                try await begin(in: directory)
                try await whoGetsIn()
                try await upAndPlanLeaveItAlone()
                for verb in ["switchover", "failover"] {
                    let before = try await primary()
                    try await cluster.host([verb, "--progress", "none"])
                    #expect(try await primary() != before)
                    try await waitUntilServed("a \(verb)")
                }
                try await itTakesNobodysAddress()
                try await theClusterIsNotRemovedUnderIt()
                try await noSecretIsShown()
            } catch {
                Issue.record(error)
            }
            _ = try await cluster.command("docker", ["rm", "--force", Self.pooler])
            _ = try await cluster.command("docker", ["image", "rm", "--force", Self.image])
            try FileManager.default.removeItem(atPath: directory)
            try await cluster.expectHealthy()
        }

        /// The page's commands as they stand there, with the names and the port of this cluster.
        private func begin(in directory: String) async throws {
            let files = FileManager.default
            try files.createDirectory(atPath: "\(directory)/pooler", withIntermediateDirectories: true)
            for name in ["Dockerfile", "pgbouncer.ini"] {
                let text = try String(contentsOfFile: "\(PgafProject.root)/examples/pooler/\(name)", encoding: .utf8)
                try Self.renamed(text).write(
                    toFile: "\(directory)/pooler/\(name)", atomically: true, encoding: .utf8)
            }
            let page = try String(contentsOfFile: "\(PgafProject.root)/docs/pooler.md", encoding: .utf8)
            let commands = try #require(page.components(separatedBy: "\n```\n").first { $0.hasPrefix("docker exec") })
            let result = try await cluster.command(
                "sh", ["-euc", Self.renamed(commands)], directory: directory)
            #expect(result.succeeded, "\(result.standardError)")
            let attributes = try files.attributesOfItem(atPath: "\(directory)/pooler/userlist.txt")
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            try await waitUntilServed("its start")
        }

        private static func renamed(_ text: String) -> String {
            let names = [
                "pgnode": "pgaf-test-", "pgautofailover_cluster_net": "pgaf_test_net",
                "--name pooler": "--name \(pooler)",
                "pgaf/pooler": image, "127.0.0.1:6432": "127.0.0.1:\(port)",
            ]
            return names.reduce(text) { $0.replacingOccurrences(of: $1.key, with: $1.value) }
        }

        /// SQL through the pooler, which has no certificate for clients here.
        private func sql(_ text: String, password: String) async throws -> CommandResult {
            try await cluster.command(
                "psql", ["-XqAtw", "-v", "ON_ERROR_STOP=1", "-c", text],
                environment: [
                    "PGHOST": "127.0.0.1", "PGPORT": "\(Self.port)", "PGUSER": "postgres", "PGDATABASE": "myappdb",
                    "PGPASSWORD": password, "PGPASSFILE": "/dev/null", "PGSSLMODE": "disable",
                    "PGCONNECT_TIMEOUT": "10",
                ])
        }

        private func password() throws -> String { try #require(try cluster.passwords()["superuser"]) }

        private func primary() async throws -> String {
            try #require(try await cluster.state().nodes.first { $0.reportedState == "primary" }?.name)
        }

        /// Until a write is taken, then a row that is written is read again.
        private func waitUntilServed(_ what: String) async throws {
            let (password, value) = (try password(), RunIdentifier.new())
            let start = ContinuousClock.now
            try await Wait(for: "the pooler to serve after \(what)", upTo: .seconds(60), hint: "").until {
                let write = try await sql(
                    "CREATE TABLE IF NOT EXISTS pooled (v text); INSERT INTO pooled VALUES ('\(value)')",
                    password: password)
                return write.succeeded ? .found(()) : .notYet(write.standardError)
            }
            print("the pooler serves \((ContinuousClock.now - start).brief) after \(what)")
            let read = try await sql("SELECT count(*) FROM pooled WHERE v = '\(value)'", password: password)
            #expect(read.trimmedOutput == "1", "\(read.standardError)")
        }

        private func whoGetsIn() async throws {
            let password = try password()
            let encrypted = try await sql(
                "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", password: password)
            #expect(encrypted.trimmedOutput == "t", "\(encrypted.standardError)")
            let wrong = try await sql("SELECT 1", password: "not-\(password)")
            #expect(!wrong.succeeded && wrong.standardError.contains("authentication failed"), "\(wrong.standardError)")
        }

        private func upAndPlanLeaveItAlone() async throws {
            let events = try await cluster.up()
            #expect(PgafProject.changedSteps(events).isEmpty)
            let plan = try await cluster.host(["plan"])
            #expect(!plan.standardOutput.contains("\(Self.port)"), "\(plan.standardOutput)")
        }

        /// After a restart of the machine it may be there before the nodes.
        private func itTakesNobodysAddress() async throws {
            try await cluster.host(["stop", "--progress", "none"])
            let again = try await cluster.command("docker", ["restart", Self.pooler])
            #expect(again.succeeded, "\(again.standardError)")
            try await cluster.host(["start", "--progress", "none"])
            try await waitUntilServed("a stop and a start")
        }

        private func theClusterIsNotRemovedUnderIt() async throws {
            let before = try await TestCluster.identifiers(cluster)
            for words in [["destroy", "--yes"], ["up", "--fresh", "--yes"]] {
                let refused = try await cluster.host(words + ["--progress", "none"], expecting: 78)
                #expect(refused.standardError.contains("docker.foreign-object"), "\(refused.standardError)")
                #expect(refused.standardError.contains("docker rm --force \(Self.pooler)"))
            }
            #expect(try await TestCluster.identifiers(cluster) == before)
            try await waitUntilServed("a refused destroy")
        }

        private func noSecretIsShown() async throws {
            for words in [["container", "inspect", Self.pooler], ["logs", Self.pooler], ["top", Self.pooler]] {
                let seen = try await cluster.command("docker", words)
                #expect(seen.succeeded)
                #expect(!(seen.standardOutput + seen.standardError).contains(try password()), "\(words)")
            }
        }
    }
}
