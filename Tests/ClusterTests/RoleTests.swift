import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// The verbs that change roles, on a real formation, while a client writes; what is not safe is refused.
    @Suite(.serialized) struct RoleTests {
        private let cluster: PgafProject

        init() throws { cluster = try TestCluster.local() }

        /// A verb's object.
        private func change(_ words: [String]) async throws -> RoleChange {
            let result = try await cluster.host(words + ["--json", "--progress", "plain"])
            let change = try JSONDecoder().decode(RoleChange.self, from: Data(result.standardOutput.utf8))
            #expect(change.secondsWithoutWrites > 0 && change.resolution > 0 && change.secondsUntilHealthy > 0)
            #expect(change.formation.nodes.count { $0.reportedState == "primary" } == 1)
            print(
                "\(words.joined(separator: " ")): \(change.from) -> \(change.to), no writes for"
                    + " \(Duration.seconds(change.secondsWithoutWrites).brief) (every"
                    + " \(Duration.seconds(change.resolution).brief)), healthy after"
                    + " \(Duration.seconds(change.secondsUntilHealthy).brief)")
            return change
        }

        /// A refusal, which has changed nothing.
        private func refused(_ words: [String], _ status: Int32 = 75, because reason: String) async throws {
            let before = try await cluster.state().nodes.map(\.assignedState)
            let result = try await cluster.host(words + ["--progress", "none"], expecting: status)
            #expect(result.standardError.contains(reason), "\(result.standardError)")
            #expect(try await cluster.state().nodes.map(\.assignedState) == before)
        }

        /// Lets roles change while a client writes, and looks for every row.
        private func writing(_ what: String, _ work: () async throws -> Void) async throws {
            _ = try await cluster.up()
            _ = try await cluster.waitUntilHealthy("the start")
            let writer = try await ContinuousWriter.begin(cluster)
            try await work()
            let outcome = try await writer.finish()
            #expect(outcome.acknowledged > 0 && outcome.missing.isEmpty, "gone: \(outcome.missing)")
            print("\(what): \(outcome.acknowledged) rows, longest pause \(outcome.longestPause.brief)")
            try await cluster.expectHealthy()
        }

        @Test func aSwitchoverThereAndBackSeenByWhoeverWatches() async throws {
            let host = "\(PgafProject.root)/.build/debug/pgaf-host"
            let agent = "\(PgafProject.root)/.build-agent/release/pgaf-agent"
            try await writing("two switchovers") {
                async let watched = cluster.command(
                    "timeout", ["--preserve-status", "--signal", "INT", "25", host, "watch", "--interval", "0.2"],
                    environment: ["PGAF_AGENT": agent], directory: cluster.directory)
                let there = try await change(["switchover"])
                #expect(there.from != there.to && there.node == nil)
                #expect(there.states.contains { $0.node == there.to && $0.reported == "primary" })
                let back = try await change(["switchover", "--to", there.from])
                #expect(back.from == there.to && back.to == there.from)
                let lines = try await watched
                #expect(lines.status == 0, "\(lines.standardError)")
                #expect(lines.standardOutput.contains("\(there.to): primary (was "), "\(lines.standardOutput)")
                #expect(lines.standardOutput.contains("formation default: healthy (was") == false)
            }
        }

        @Test func thePrimaryCrashesAndComesBackAsAStandby() async throws {
            try await writing("a crash of the primary") {
                let crash = try await change(["failover"])
                #expect(crash.node == crash.from && crash.from != crash.to)
                #expect(crash.formation.healthy, "\(crash.formation.notes)")
                let old = try #require(crash.formation.nodes.first { $0.name == crash.from })
                #expect(old.reportedState == "secondary" && old.container == "running")
            }
        }

        @Test func anOrderToTheMonitorFromInsideTheMachine() async throws {
            try await writing("a failover by order") {
                let agent = "\(PgafProject.root)/.build-agent/release/pgaf-agent"
                let result = try await cluster.command(
                    agent, ["failover", "--order", "--json", "--cluster", TestCluster.name])
                #expect(result.succeeded, "\(result.standardError)")
                let order = try JSONDecoder().decode(RoleChange.self, from: Data(result.standardOutput.utf8))
                #expect(order.from != order.to && order.formation.healthy)
                let standby = try #require(order.formation.nodes.first { $0.reportedState == "secondary" }?.name)
                let crash = try await change(["failover", "--node", standby])
                #expect(crash.from == crash.to && crash.node == standby)
            }
        }

        @Test func maintenanceOfAStandbyAndWhatIsRefusedMeanwhile() async throws {
            try await writing("maintenance of a standby") {
                let before = try await cluster.state()
                let primary = try #require(before.nodes.first { $0.reportedState == "primary" }?.name)
                let (node, other) = (
                    try #require(before.nodes.first { $0.reportedState == "secondary" }?.name),
                    try #require(before.nodes.last { $0.reportedState == "secondary" }?.name)
                )
                try await refused(["switchover", "--to", "nobody"], 64, because: "There is no node \"nobody\"")
                try await refused(["maintenance", "disable", node], because: "\(node) is in no maintenance")
                try await refused(["maintenance", "enable", primary], because: "--allow-failover")
                let begun = try await change(["maintenance", "enable", node])
                #expect(begun.from == primary && begun.to == primary)
                #expect(begun.formation.nodes.first { $0.name == node }?.reportedState == "maintenance")
                let status = try await cluster.host(["status"]).standardOutput
                #expect(status.contains("`pgaf-host maintenance disable \(node)` ends it"))
                try await refused(["maintenance", "enable", node], because: "\(node) is in maintenance already")
                try await refused(["maintenance", "enable", other], because: "no node could take over from \(primary)")
                try await refused(["failover"], because: "have to take part in choosing the next primary")
                try await refused(["switchover", "--to", node], because: "\(node) cannot become primary")
                // In order the primary itself has a voice, so that two nodes are enough.
                let handover = try await change(["switchover"])
                #expect(handover.to == other)
                let ended = try await change(["maintenance", "disable", node])
                #expect(ended.formation.healthy, "\(ended.formation.notes)")
            }
        }

        @Test func maintenanceOfThePrimary() async throws {
            try await writing("maintenance of the primary") {
                let primary = try #require(
                    try await cluster.state().nodes.first { $0.reportedState == "primary" }?.name)
                let begun = try await change(["maintenance", "enable", primary, "--allow-failover"])
                #expect(begun.from == primary && begun.to != primary)
                let ended = try await change(["maintenance", "disable", primary])
                #expect(ended.to == begun.to && ended.formation.healthy, "\(ended.formation.notes)")
            }
        }
    }
}
