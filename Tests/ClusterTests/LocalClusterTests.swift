import Foundation
import Shared
import TestSupport
import Testing

/// Everything that needs the one Docker engine; suites inside run one after another.
@Suite(.serialized, .tags(.cluster)) enum ClusterSuite {}

extension ClusterSuite {
    /// A real cluster on this machine through the real programs. Each test brings the cluster up by itself, which takes
    /// two seconds when it is there, so that any of them can run alone.
    @Suite(.serialized) struct LocalClusterTests {
        private let cluster: PgafProject

        init() throws {
            cluster = try TestCluster.local()
        }

        @Test func upMakesAHealthyCluster() async throws {
            let events = try await cluster.up()
            #expect(events.map(\.seq) == Array(1...events.count))
            guard case .result(let result) = events.last?.body else {
                Issue.record("the last event is no result")
                return
            }
            #expect(result.status == .ok)
            #expect(result.warnings.isEmpty)
            let state = try await cluster.state()
            #expect(state.healthy, "\(state.notes)")
            #expect(state.nodes.count { $0.reportedState == "primary" } == 1)
            #expect(state.nodes.count { $0.reportedState == "secondary" } == 2)
        }

        @Test func aSecondUpChangesNothing() async throws {
            _ = try await cluster.up()
            let before = try await TestCluster.identifiers(cluster)
            let passwords = try cluster.passwords()
            let events = try await cluster.up()
            #expect(PgafProject.changedSteps(events).isEmpty)
            #expect(try await TestCluster.identifiers(cluster) == before)
            #expect(try cluster.passwords() == passwords)
        }

        @Test func logsAreToldOfOneContainerOrOfAllAndAsJSON() async throws {
            struct Entry: Decodable {
                var container: String
                var line: String
            }
            _ = try await cluster.up()
            let name = TestCluster.nodes[0]
            let one = try await cluster.host(["logs", name, "--tail", "3"]).standardOutput
            let all = try await cluster.host(["logs", "--tail", "3", "--json"]).standardOutput
            let entries = try all.split(separator: "\n").map {
                try JSONDecoder().decode(Entry.self, from: Data($0.utf8))
            }
            #expect(Set(entries.map(\.container)) == Set(TestCluster.containers))
            #expect(entries.count(where: { $0.container == name }) == one.split(separator: "\n").count)
            #expect(entries.contains { !$0.line.isEmpty })
            let unknown = try await cluster.host(["logs", "nobody"], expecting: nil)
            #expect(!unknown.succeeded && unknown.standardError.contains("There is no node \"nobody\""))
        }

        @Test func aWriteOnThePrimaryIsReadOnEveryStandbyWhichRefusesWrites() async throws {
            _ = try await cluster.up()
            let password = try #require(try cluster.passwords()["superuser"])
            let value = RunIdentifier.new()
            let write = try await cluster.sql(
                "CREATE TABLE IF NOT EXISTS t (v text); INSERT INTO t VALUES ('\(value)')", ports: TestCluster.ports,
                password: password, attributes: "read-write")
            #expect(write.succeeded, "\(write.standardError)")
            let state = try await cluster.state()
            let standbys = state.nodes.filter { $0.reportedState == "secondary" }.compactMap(\.publishedPort)
            #expect(standbys.count == 2)
            for port in standbys {
                _ = try await Wait(for: "the row on \(port)", upTo: .seconds(30), hint: "").until {
                    let read = try await cluster.sql(
                        "SELECT count(*) FROM t WHERE v = '\(value)'", ports: [port], password: password)
                    return read.trimmedOutput == "1" ? .found(()) : .notYet(read.standardError)
                }
                let refused = try await cluster.sql("INSERT INTO t VALUES ('x')", ports: [port], password: password)
                #expect(!refused.succeeded)
                #expect(refused.standardError.contains("read-only"))
            }
        }

        @Test func nobodyGetsInWithoutTheRightPasswordOrWithoutTLS() async throws {
            _ = try await cluster.up()
            let password = try #require(try cluster.passwords()["superuser"])
            for port in TestCluster.ports {
                let right = try await cluster.sql("SELECT 1", ports: [port], password: password)
                #expect(right.trimmedOutput == "1", "\(right.standardError)")
                let wrong = try await cluster.sql("SELECT 1", ports: [port], password: "not-\(password)")
                #expect(wrong.standardError.contains("password authentication failed"))
                let none = try await cluster.sql("SELECT 1", ports: [port], password: nil)
                #expect(none.standardError.contains("no password supplied"))
                let plain = try await cluster.command(
                    "psql", ["-XAtw", "-c", "SELECT 1"],
                    environment: [
                        "PGHOST": "127.0.0.1", "PGPORT": "\(port)", "PGUSER": "postgres", "PGPASSWORD": password,
                        "PGSSLMODE": "disable",
                    ])
                #expect(plain.standardError.contains("pg_hba.conf rejects connection"))
            }
        }

        @Test func aPasswordOutsideASCIIThatOnlyTheAgentIsToldLogsIn() async throws {
            _ = try await cluster.up()
            let own = "Grüße, пароль 密码 אבג 🐘"
            let agent = "\(PgafProject.root)/.build-agent/release/pgaf-agent"
            let alone = try await cluster.command(
                agent, ["up", "--config", "pgaf.yaml", "--set", "passwords.superuser=env:OWN"],
                environment: ["OWN": own], directory: cluster.directory)
            #expect(alone.succeeded, "\(alone.standardError)")
            for port in TestCluster.ports {
                let read = try await cluster.sql("SELECT 1", ports: [port], password: own)
                #expect(read.trimmedOutput == "1", "\(read.standardError)")
            }
            let changed = try await cluster.command(
                agent, ["up", "--config", "pgaf.yaml", "--set", "passwords.superuser=env:OWN"],
                environment: ["OWN": "e\u{301}"], directory: cluster.directory)
            #expect(changed.status == 78 && changed.standardError.contains("secret.unavailable"))
            // The host's own passwords are set again.
            _ = try await cluster.up()
            let password = try #require(try cluster.passwords()["superuser"])
            let read = try await cluster.sql("SELECT 1", ports: TestCluster.ports, password: password)
            #expect(read.trimmedOutput == "1", "\(read.standardError)")
        }

        @Test(arguments: TestCluster.containers)
        func aKilledContainerComesBack(_ name: String) async throws {
            _ = try await cluster.up()
            #expect(try await cluster.command("docker", ["kill", "--signal", "KILL", name]).succeeded)
            #expect(try await cluster.command("docker", ["start", name]).succeeded)
            let state = try await cluster.waitUntilHealthyAgain("SIGKILL of \(name)")
            #expect(state.nodes.count { $0.reportedState == "primary" } == 1)
        }

        @Test func onlyARemovedNodeIsMadeAgain() async throws {
            _ = try await cluster.up()
            let state = try await cluster.state()
            let victim = try #require(state.nodes.first { $0.reportedState == "secondary" }?.name)
            var before = try await TestCluster.identifiers(cluster)
            _ = try await cluster.command("docker", ["rm", "--force", victim])
            let events = try await cluster.up()
            #expect(PgafProject.changedSteps(events) == ["node.\(victim)"])
            var after = try await TestCluster.identifiers(cluster)
            #expect(before.removeValue(forKey: victim) != after.removeValue(forKey: victim))
            #expect(before == after)
            // The monitor may look at the new node once more.
            _ = try await cluster.waitUntilHealthy("a removed node was made again", upTo: .seconds(60))
        }
    }
}
