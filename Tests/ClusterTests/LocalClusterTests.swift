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
            // The agent's own words and what the host makes of them, as programs find them.
            let run = try #require(cluster.recordedRun)
            for journal in ["/var/lib/pgaf/runs/\(run)", "\(cluster.directory)/.pgaf/runs/\(run)"] {
                let lines = try String(contentsOfFile: "\(journal)/events.jsonl", encoding: .utf8)
                    .split(separator: "\n").map(String.init)
                #expect(lines.count > 20)
                #expect(try await PublishedSchema.complaints("event", lines) == [], "\(journal)")
            }
            let plan = try await cluster.host(["plan", "--json"]).standardOutput
            #expect(try await PublishedSchema.complaints("plan", [plan.replacing("\n", with: " ")]) == [])
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
            try await ClientPromises(cluster).aWriteIsReadEverywhereAndRefusedByStandbys()
        }

        @Test func nobodyGetsInWithoutTheRightPasswordOrWithoutTLS() async throws {
            _ = try await cluster.up()
            try await ClientPromises(cluster).nobodyGetsInWithoutTheRightPasswordOrWithoutTLS()
        }

        /// The agent's directories are root's, and what lets somebody in is for its owner's eyes, on the machine and here.
        @Test func whatIsSecretIsForItsOwnerAlone() async throws {
            _ = try await cluster.up()
            // libpq's password file comes with the first session.
            _ = try await cluster.host(["psql", "--", "-XAtc", "SELECT 1"])
            func found(_ places: [String], _ conditions: [String]) async throws -> [String] {
                let listed = try await cluster.command("find", places + conditions + ["-printf", "%m %u %p\n"])
                #expect(listed.succeeded, "\(listed.standardError)")
                return listed.standardOutput.split(separator: "\n").map(String.init).sorted()
            }
            let tops = ["/run/pgaf", "/var/lib/pgaf"]
            #expect(try await found(tops, ["-maxdepth", "0"]) == tops.map { "700 root \($0)" })
            let names = ["*.pem", "*.key", "*pgpass", "secrets.json", "state.json", "configuration.json", "*.jsonl"]
            let pattern = ["("] + names.flatMap { ["-o", "-name", $0] }.dropFirst() + [")"]
            let kept = try await found(tops, ["-type", "f"] + pattern)
            for name in ["authority.pem", "server.pem", "pgpass", "secrets.json"] {
                #expect(kept.contains { $0.hasSuffix("/\(name)") }, "\(name) was not looked at: \(kept)")
            }
            #expect(kept.allSatisfy { $0.hasPrefix("600 root ") }, "\(kept.filter { !$0.hasPrefix("600 root ") })")
            let own = "\(cluster.directory)/.pgaf"
            #expect(try await found([own], ["-maxdepth", "0"]) == ["700 \(NSUserName()) \(own)"])
            let here = try await found(
                [own], ["-type", "f", "(", "-name", "secrets.json", "-o", "-name", "pgpass", ")"])
            #expect(here.count == 2 && here.allSatisfy { $0.hasPrefix("600 ") }, "\(here)")
        }

        /// The string that `uri` prints is all that a client needs, and does not take another's server for the cluster's.
        @Test func theStringThatUriPrintsConnectsAndVerifiesTheServers() async throws {
            _ = try await cluster.up()
            let uri = try await cluster.host(["uri", "cluster", "--show-password"]).trimmedOutput
            let read = try await cluster.command("psql", ["-XAtw", uri, "-c", "SELECT 'in'"])
            #expect(read.trimmedOutput == "in", "\(read.standardError)")
            let directory = try scratchDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }
            let other = "\(directory)/other.crt"
            let made = try await cluster.command(
                "openssl",
                [
                    "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=another authority", "-keyout",
                    "\(directory)/other.key", "-out", other,
                ])
            #expect(made.succeeded, "\(made.standardError)")
            let posing = uri.replacing(/sslrootcert=[^&]*/, with: "sslrootcert=\(other)")
            #expect(posing != uri)
            let refused = try await cluster.command("psql", ["-XAtw", posing, "-c", "SELECT 'in'"])
            #expect(!refused.succeeded && refused.standardError.contains("certificate verify failed"))
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
            try await cluster.whileWritten("a kill of \(name)") {
                try await ClientPromises(cluster).aKilledContainerComesBack(name)
            }
        }

        @Test func onlyARemovedNodeIsMadeAgain() async throws {
            _ = try await cluster.up()
            let state = try await cluster.state()
            let victim = try #require(state.nodes.first { $0.reportedState == "secondary" }?.name)
            var before = try await TestCluster.identifiers(cluster)
            let events = try await cluster.whileWritten("a removed container") {
                _ = try await cluster.command("docker", ["rm", "--force", victim])
                return try await cluster.up()
            }.value
            #expect(PgafProject.changedSteps(events) == ["node.\(victim)"])
            var after = try await TestCluster.identifiers(cluster)
            #expect(before.removeValue(forKey: victim) != after.removeValue(forKey: victim))
            #expect(before == after)
            // The monitor may look at the new node once more.
            _ = try await cluster.waitUntilHealthy("a removed node was made again", upTo: .seconds(60))
        }
    }
}
