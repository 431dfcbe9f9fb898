import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// The Docker engine itself dies, is stopped, or has no room.
    @Suite(.serialized) struct EngineTests {
        private let cluster: PgafProject
        private let engine = TestEngine()

        init() throws { cluster = try TestCluster.local() }

        /// Kills the engine at the start of a step of `up`, and starts it again.
        private func crash(in step: String) async throws {
            let isStart: @Sendable (Event) -> Bool = { $0.body == .stepStarted(step: step) }
            let (run, status) = try await cluster.up(interruptedAt: step, isStart) { _ in
                try await engine.crash()
                try await engine.start()
            }
            // Either the run outlived it, or it says what failed and what to type.
            let result = try #require(MachineRuns.result(of: run))
            print("the engine died in \(step): \(result.error?.message ?? "the run went on")")
            #expect((status == 0) == (result.status == .ok))
            #expect(result.error?.remedy.isEmpty != true)
        }

        private func converge() async throws {
            let events = try await cluster.up()
            #expect(PgafProject.changedSteps(events).contains("verify") == false)
            let state = try await cluster.state()
            #expect(state.healthy, "\(state.notes)")
        }

        @Test func anEngineThatDiesInTheMiddleOfARun() async throws {
            try await TestCluster.remove(cluster)
            var before = try await TestCluster.before(cluster)
            for step in ["monitor", "node.pgaf-test-2", "access.pgaf-test-1"] {
                try await crash(in: step)
                before.passwords = try before.passwords ?? cluster.passwords()
            }
            try await converge()
            try await TestCluster.expectNoLeftovers(cluster, since: before)
        }

        @Test func anEngineThatDiesWhileAClusterIsInUse() async throws {
            _ = try await cluster.up()
            let before = try await cluster.waitUntilHealthy("the start")
            let standby = try #require(before.nodes.last { $0.reportedState == "secondary" }?.name)
            try await cluster.whileWritten("an engine that died in the middle of a repair") {
                _ = try await cluster.command("docker", ["rm", "--force", standby])
                try await crash(in: "node.\(standby)")
                try await converge()
            }
        }

        /// The next engine holds the port for nobody: Docker connects what had been connected, and forgets it as stale.
        @Test func aPortThatAKilledEngineLeftToNobodyIsFreed() async throws {
            _ = try await cluster.up()
            let before = try await cluster.waitUntilHealthy("the start")
            let standby = try #require(before.nodes.last { $0.reportedState == "secondary" })
            try await cluster.whileWritten("an engine that died while it started a container") {
                _ = try await cluster.command("docker", ["stop", standby.name])
                try await engine.crash(whileStarting: standby.name, port: try #require(standby.publishedPort))
                try await engine.start()
                let plan = try await cluster.host(["plan"], expecting: 2)
                #expect(plan.standardOutput.contains("start the Docker engine anew"), "\(plan.standardOutput)")
                try await converge()
            }
        }

        /// What is left of the start differs: a shim because of which no other start succeeds, a port held for nobody, or both.
        @Test func aContainerThatAKilledEngineWasStartingComesBack() async throws {
            _ = try await cluster.up()
            let before = try await cluster.waitUntilHealthy("the start")
            let standby = try #require(before.nodes.last { $0.reportedState == "secondary" }?.name)
            try await cluster.whileWritten("an engine that died before a container's shim did its work") {
                _ = try await cluster.command("docker", ["stop", standby])
                try await engine.crash(beforeTheShimWorksOf: standby)
                try await engine.start()
                let start = try await cluster.command("docker", ["start", standby])
                print("a start after that: \(start.succeeded ? "succeeds" : start.standardError)")
                try await converge()
            }
        }

        @Test func aMachineThatForgotItsClusterFindsItAgain() async throws {
            _ = try await cluster.up()
            let before = try await TestCluster.identifiers(cluster)
            try await cluster.whileWritten("an engine that was stopped, and a cluster that was forgotten") {
                try await engine.stop()
                try FileManager.default.removeItem(atPath: "/var/lib/pgaf/clusters/\(TestCluster.name)/state.json")
                _ = try await cluster.up()
            }
            #expect(try await TestCluster.identifiers(cluster) == before)
            try await cluster.expectHealthy()
        }

        @Test func destroyRemovesAlsoWhatAStoppedEngineHolds() async throws {
            _ = try await cluster.up()
            try await engine.stop()
            try await cluster.host(["destroy", "--yes"])
            let left = try await cluster.command(
                "docker", ["ps", "--all", "--quiet", "--filter", "label=pgaf.cluster=\(TestCluster.name)"])
            #expect(left.succeeded && left.standardOutput == "", "destroy left \(left.standardOutput)")
        }
    }
}
