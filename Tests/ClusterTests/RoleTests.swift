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
            try await cluster.whileWritten(what, work)
            try await cluster.expectHealthy()
        }

        /// Ends with Ctrl-C, in order, and has told what changed.
        private func watched(until last: String, _ work: () async throws -> Void) async throws -> String {
            let file = "\(cluster.directory)/watched.txt"
            let watch = try DaemonProcess(
                [
                    "/usr/bin/env", "PGAF_AGENT=\(agent)", "sh", "-c", "cd \"$0\" && exec \"$@\" >watched.txt",
                    cluster.directory, "\(PgafProject.root)/.build/debug/pgaf-host", "watch", "--interval", "0.2",
                ], errorsTo: "\(cluster.directory)/background.log")
            defer { watch.end() }
            try await work()
            try await Wait(for: "the watcher to say \(last)", upTo: .seconds(30), hint: "").until {
                let seen = try String(contentsOfFile: file, encoding: .utf8)
                return seen.contains(last) ? .found(()) : .notYet(seen)
            }
            kill(watch.pid, SIGINT)
            #expect(watch.wait() == 0)
            return try String(contentsOfFile: file, encoding: .utf8)
        }

        private var agent: String { "\(PgafProject.root)/.build-agent/release/pgaf-agent" }

        @Test func aSwitchoverThatSomebodyWatchesThenACrashOfThePrimary() async throws {
            try await writing("a switchover and a crash") {
                let target = try #require(
                    try await cluster.state().nodes.last { $0.reportedState == "secondary" }?.name)
                let seen = try await watched(until: "\(target): primary (was ") {
                    let change = try await change(["switchover", "--to", target])
                    #expect(change.to == target && change.from != target && change.node == nil)
                    #expect(change.formation.healthy, "\(change.formation.notes)")
                    #expect(change.states.contains { $0.node == target && $0.reported == "primary" })
                }
                #expect(seen.contains("formation default: NOT healthy"), "\(seen)")

                let crash = try await change(["failover"])
                #expect(crash.node == target && crash.from == target && crash.to != target)
                #expect(crash.secondsWithoutWrites > crash.resolution * 10)
                #expect(crash.formation.healthy, "\(crash.formation.notes)")
                let old = try #require(crash.formation.nodes.first { $0.name == target })
                #expect(old.reportedState == "secondary" && old.container == "running")
            }
        }

        @Test func anOrderFromInsideTheMachineThenACrashOfAStandby() async throws {
            try await writing("a failover by order and a crash of a standby") {
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

        @Test func maintenanceOfAStandbyThenOfThePrimaryAndWhatIsRefused() async throws {
            try await writing("maintenance") {
                let before = try await cluster.state()
                let primary = try #require(before.nodes.first { $0.reportedState == "primary" }?.name)
                let (node, other) = (
                    try #require(before.nodes.first { $0.reportedState == "secondary" }?.name),
                    try #require(before.nodes.last { $0.reportedState == "secondary" }?.name)
                )
                try await refused(["switchover", "--to", "nobody"], 64, because: "There is no node \"nobody\"")
                try await refused(["maintenance", "enable", primary], because: "--allow-failover")
                let begun = try await change(["maintenance", "enable", node])
                #expect(begun.from == primary && begun.to == primary)
                #expect(begun.formation.nodes.first { $0.name == node }?.reportedState == "maintenance")
                let status = try await cluster.host(["status"]).standardOutput
                #expect(status.contains("`pgaf-host maintenance disable \(node)` ends it"))
                try await refused(["maintenance", "enable", other], because: "no node could take over from \(primary)")
                try await refused(["failover"], because: "have to take part in choosing the next primary")
                try await refused(["switchover", "--to", node], because: "\(node) cannot become primary")
                // In order the primary itself has a voice, so that two nodes are enough.
                let handover = try await change(["switchover"])
                #expect(handover.to == other)
                let ended = try await change(["maintenance", "disable", node])
                #expect(ended.formation.healthy, "\(ended.formation.notes)")

                let gone = try await change(["maintenance", "enable", other, "--allow-failover"])
                #expect(gone.from == other && gone.to != other)
                let back = try await change(["maintenance", "disable", other])
                #expect(back.to == gone.to && back.formation.healthy, "\(back.formation.notes)")
            }
        }
    }
}
