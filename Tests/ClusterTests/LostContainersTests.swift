import Foundation
import GuestAgent
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// Containers are gone, and what their volumes hold is there: `up` brings the cluster back from that, whoever was
    /// primary, with every row that was acknowledged.
    @Suite(.serialized) struct LostContainersTests {
        private let cluster: PgafProject

        init() throws { cluster = try TestCluster.local() }

        @Test func allNodesWithoutContainersComeBack() async throws {
            let last = try await beginWithAnotherPrimary()
            try await lose("all nodes' containers") { try await docker(["rm", "--force"] + TestCluster.nodes) }
            #expect(try await primary() == last)
        }

        /// The monitor would take whoever registers first for the primary.
        @Test func theLastPrimaryComesFirstWhereTheMonitorHasNoMemory() async throws {
            let last = try await beginWithAnotherPrimary()
            try await lose("all containers and the monitor's volume") {
                // A standby that stopped before the last row was written.
                try await docker(["rm", "--force", TestCluster.nodes[0]])
                try await write()
                try await docker(["rm", "--force", TestCluster.monitor] + TestCluster.nodes.dropFirst())
                try await docker(["volume", "rm", "\(TestCluster.monitor)_data"])
                let plan = try await cluster.host(["plan"], expecting: 2).standardOutput
                #expect(plan.contains("create container \(last)"), "\(plan)")
            }
            #expect(try await primary() == last)
        }

        /// After a reboot all servers wait for the monitor, and each would register as soon as there is one.
        @Test func nobodyComesBeforeTheLastPrimaryAfterAReboot() async throws {
            let last = try await beginWithAnotherPrimary()
            try await lose("the monitor with its volume, and a restart of all nodes") {
                try await docker(["rm", "--force", TestCluster.monitor])
                try await docker(["volume", "rm", "\(TestCluster.monitor)_data"])
                try await docker(["restart"] + TestCluster.nodes)
            }
            #expect(try await primary() == last)
        }

        @Test func nodesWithoutSettingsRegisterWithANewMonitor() async throws {
            let last = try await beginWithAnotherPrimary()
            try await lose("the monitor with its volume, and pg_autoctl's settings of two nodes") {
                for node in [last, TestCluster.nodes[0]] {
                    try await docker(["exec", node, "truncate", "-s", "0", ContainerLayout.keeperConfiguration])
                }
                try await docker(["rm", "--force", TestCluster.monitor])
                try await docker(["volume", "rm", "\(TestCluster.monitor)_data"])
            }
            #expect(try await primary() == last)
        }

        @Test func theLastCopyIsRegisteredFirst() async throws {
            let last = try await beginWithAnotherPrimary()
            try await lose("all but one node's data") {
                let others = TestCluster.nodes.filter { $0 != last }
                try await docker(["rm", "--force"] + TestCluster.nodes)
                try await docker(["volume", "rm"] + others.map { "\($0)_data" })
                try await docker([
                    "run", "--rm", "--network", "none", "--volume", "\(last)_data:/volume", "--entrypoint", "rm",
                    "pgaf/pg_auto_failover:latest", "-rf", "/volume/share/pg_autoctl",
                ])
            }
            #expect(try await primary() == last)
        }

        private let value = RunIdentifier.new()

        /// A healthy cluster whose primary is not the first node.
        ///
        /// - Returns: the primary's name.
        private func beginWithAnotherPrimary() async throws -> String {
            _ = try await cluster.up()
            _ = try await cluster.waitUntilHealthy("the start")
            if try await primary() == TestCluster.nodes[0] {
                _ = try await cluster.host(["switchover", "--progress", "none"])
            }
            try await write()
            return try await primary()
        }

        private func primary() async throws -> String {
            let state = try await cluster.waitUntilHealthy("the primary is asked for")
            return try #require(state.nodes.first { $0.reportedState == "primary" }?.name)
        }

        private func write() async throws {
            let write = try await cluster.sql(
                "CREATE TABLE IF NOT EXISTS kept (v text); INSERT INTO kept VALUES ('\(value)')",
                ports: TestCluster.ports, password: try cluster.passwords()["superuser"], attributes: "read-write")
            #expect(write.succeeded, "\(write.standardError)")
        }

        /// Takes something away while a client writes; `up` brings it back, with its rows.
        private func lose(_ what: String, _ fault: () async throws -> Void) async throws {
            _ = try await cluster.whileWritten(what) {
                try await fault()
                return try await cluster.up()
            }
            let state = try await cluster.state()
            #expect(state.healthy, "\(state.notes)")
            let read = try await cluster.sql(
                "SELECT count(*) > 0 FROM kept WHERE v = '\(value)'", ports: TestCluster.ports,
                password: try cluster.passwords()["superuser"], attributes: "read-write")
            #expect(read.trimmedOutput == "t", "\(read.standardError)")
            #expect(PgafProject.changedSteps(try await cluster.up()).isEmpty)
        }

        private func docker(_ words: [String]) async throws {
            let result = try await cluster.command("docker", words)
            #expect(result.succeeded, "\(result.standardError)")
        }
    }
}
