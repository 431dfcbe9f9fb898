import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// What the manual of the scripts has its reader type, on a cluster of pgaf's.
    @Suite(.serialized) struct ManualProceduresTests {
        private let cluster: PgafProject

        init() throws { cluster = try TestCluster.local() }

        /// A line as it stands in that manual.
        @discardableResult
        private func docker(_ line: String) async throws -> String {
            let result = try await cluster.command("docker", line.split(separator: " ").map(String.init))
            #expect(result.succeeded, "docker \(line): \(result.standardError)")
            return result.standardOutput
        }

        private func primary(_ state: FormationState) throws -> String {
            try #require(state.nodes.first { $0.reportedState == "primary" }?.name)
        }

        /// Writes through the port of this one node, which only a primary takes.
        private func write(_ value: String, on node: String) async throws {
            let port = try #require(TestCluster.nodes.firstIndex(of: node).map { TestCluster.ports[$0] })
            let password = try cluster.passwords()["superuser"]
            let result = try await cluster.sql(
                "CREATE TABLE IF NOT EXISTS typed (v text); INSERT INTO typed VALUES ('\(value)')", ports: [port],
                password: password)
            #expect(result.succeeded, "\(node): \(result.standardError)")
        }

        @Test func aSwitchoverAndACrashTypedAsInTheScriptsManual() async throws {
            _ = try await cluster.up()
            let first = try primary(try await cluster.waitUntilHealthy("the start"))
            let names = try await docker("ps --format {{.Names}}").split(separator: "\n").map(String.init)
            #expect(Set(names).isSuperset(of: TestCluster.containers))
            let shown = try await docker("exec -u postgres \(TestCluster.monitor) pg_autoctl show state")
            #expect(TestCluster.nodes.allSatisfy { shown.contains($0) })

            let value = RunIdentifier.new()
            try await docker(
                "exec -u postgres \(TestCluster.monitor) pg_autoctl perform switchover --formation default")
            let second = try primary(try await cluster.waitUntilHealthy("a switchover"))
            #expect(second != first)
            try await write(value, on: second)

            try await docker("stop \(second)")
            let third = try await Wait(for: "a promotion", upTo: .seconds(120), hint: "").until {
                () async throws -> Wait.Observation<String> in
                let state = try await cluster.state()
                let taker = state.nodes.first {
                    $0.name != second && ["wait_primary", "primary"].contains($0.reportedState)
                }
                return taker.map { .found($0.name) } ?? .notYet("\(state.notes)")
            }
            try await write(value, on: third)

            try await docker("start \(second)")
            let last = try await cluster.waitUntilHealthy("the return of the old primary")
            #expect(last.nodes.first { $0.name == second }?.reportedState == "secondary")
            let password = try cluster.passwords()["superuser"]
            for port in TestCluster.ports {
                try await Wait(for: "both rows on \(port)", upTo: .seconds(30), hint: "").until {
                    let read = try await cluster.sql(
                        "SELECT count(*) FROM typed WHERE v = '\(value)'", ports: [port], password: password)
                    return read.trimmedOutput == "2" ? .found(()) : .notYet(read.standardOutput + read.standardError)
                }
            }
        }
    }
}
