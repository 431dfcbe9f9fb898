import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// The scripts' open mode: who comes in then, and which verbs say so.
    @Suite(.serialized) struct OpenAccessTests {
        private let cluster: PgafProject

        init() throws { cluster = try TestCluster.local() }

        private static let flags = ["--set", "access.client_auth=trust", "--set", "access.internal_auth=trust"]
        private static let warnings = [
            "access.client_auth is trust: everybody from 0.0.0.0/0 comes in as postgres, ",
            "access.internal_auth is trust: every container in the cluster's network ",
        ]

        /// Who comes in with neither password nor TLS: to each node, then to the monitor.
        private func entries() async throws -> [Bool] {
            let nodes = TestCluster.ports.map { ($0, "postgres", "myappdb") }
            var found: [Bool] = []
            for (port, user, database) in nodes + [(TestCluster.monitorPort, "autoctl_node", "pg_auto_failover")] {
                let result = try await cluster.command(
                    "psql", ["-XAtw", "-c", "SELECT 1"],
                    environment: [
                        "PGHOST": "127.0.0.1", "PGPORT": "\(port)", "PGUSER": user, "PGDATABASE": database,
                        "PGPASSFILE": "/dev/null", "PGSSLMODE": "disable", "PGCONNECT_TIMEOUT": "30",
                    ])
                found.append(result.trimmedOutput == "1")
            }
            return found
        }

        @Test func theScriptsOpenDoorsAreTwoSettingsAway() async throws {
            _ = try await cluster.up()
            #expect(try await entries() == [false, false, false, false])
            let events = try await cluster.up(Self.flags)
            #expect(try await entries() == [true, true, true, true])
            try await theTextsWarn()
            try await theObjectsWarn(events)
            _ = try await cluster.up()
            #expect(try await entries() == [false, false, false, false])
            #expect(try await cluster.state().warnings == nil)
        }

        /// What people read: once from each verb, twice from `doctor`, which looks at the wish and at what there is.
        private func theTextsWarn() async throws {
            var texts: [String: String] = [:]
            for line in [["up", "--progress", "none"] + Self.flags, ["plan"] + Self.flags, ["status"], ["doctor"]] {
                texts[line[0]] = try await cluster.host(line).standardOutput
            }
            let agent = "\(PgafProject.root)/.build-agent/release/pgaf-agent"
            let alone = ["plan", "--config", "pgaf.yaml"] + Self.flags
            texts["the agent's plan"] = try await cluster.command(agent, alone, directory: cluster.directory)
                .standardOutput
            for (verb, text) in texts {
                for warning in Self.warnings {
                    let lines = text.split(separator: "\n").filter { $0.contains(warning) }
                    #expect(lines.count == (verb == "doctor" ? 2 : 1), "\(verb): \(text)")
                    #expect(lines.allSatisfy { $0.hasPrefix("warning") }, "\(verb): \(text)")
                }
            }
        }

        private struct Diagnosis: Decodable {
            struct Finding: Decodable {
                var verdict: String
                var text: String
            }

            var findings: [Finding]
        }

        /// What programs read.
        private func theObjectsWarn(_ events: [Event]) async throws {
            func decoded<Value: Decodable>(_ type: Value.Type, _ words: [String]) async throws -> Value {
                let result = try await cluster.host(words + ["--json"])
                return try JSONDecoder().decode(type, from: Data(result.standardOutput.utf8))
            }
            guard case .result(let result) = events.last?.body else {
                Issue.record("the last event is no result")
                return
            }
            let diagnosis = try await decoded(Diagnosis.self, ["doctor"])
            let found = [
                "up": result.warnings, "plan": try await decoded(ClusterPlan.self, ["plan"] + Self.flags).notes,
                "status": try await decoded(FormationState.self, ["status"]).warnings ?? [],
                "doctor": diagnosis.findings.filter { $0.verdict == "warning" }.map(\.text),
            ]
            for (verb, texts) in found {
                for warning in Self.warnings {
                    #expect(texts.contains { $0.hasPrefix(warning) }, "\(verb): \(texts)")
                }
            }
        }
    }
}
