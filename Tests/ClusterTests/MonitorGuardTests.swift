import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// What pgaf adds to the monitor's tables, on the monitor of a cluster that works.
    @Suite(.serialized) struct MonitorGuardTests {
        private let cluster: PgafProject

        init() throws { cluster = try TestCluster.local() }

        private func begin() async throws -> (primary: String, standbys: [String]) {
            _ = try await cluster.up()
            let state = try await cluster.waitUntilHealthy("the start")
            let primary = try #require(state.nodes.first { $0.reportedState == "primary" }?.name)
            return (primary, state.nodes.map(\.name).filter { $0 != primary })
        }

        private func rows() async throws -> String {
            try await TestCluster.onMonitor(
                "SELECT nodename, goalstate FROM pgautofailover.node ORDER BY nodename", cluster
            ).standardOutput
        }

        private func assign(_ state: String, to node: String) -> String {
            "UPDATE pgautofailover.node SET goalstate = '\(state)' WHERE nodename = '\(node)';"
        }

        private static let down = "reportedpgisrunning = false, health = 0, statechangetime = now() - interval '1 hour'"

        /// What a transaction does would be taken at its end; it is rolled back.
        private func expectAllowed(_ sql: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
            let answer = try await TestCluster.onMonitor(
                "BEGIN; \(sql) SET CONSTRAINTS ALL IMMEDIATE; SELECT 'allowed'; ROLLBACK;", cluster)
            #expect(answer.trimmedOutput == "allowed", "\(answer.standardError)", sourceLocation: sourceLocation)
        }

        private func awaitEndOfGrace() async throws {
            try await Wait(for: "the end of startup_grace_period", upTo: .seconds(30), hint: "").until {
                let over = try await TestCluster.onMonitor(
                    """
                    SELECT clock_timestamp() > pg_postmaster_start_time()
                        + current_setting('pgautofailover.startup_grace_period')::interval
                    """, cluster)
                return over.trimmedOutput == "t" ? .found(()) : .notYet("it lasts")
            }
        }

        @Test func theMonitorPromotesNobodyBesideAnother() async throws {
            let (primary, standbys) = try await begin()
            let before = try await rows()
            let other = try #require(standbys.first)
            for state in ["prepare_promotion", "stop_replication", "wait_primary"] {
                let second = try await TestCluster.onMonitor(assign(state, to: other), cluster)
                #expect(!second.succeeded)
                #expect(
                    second.standardError.contains("pgaf: \(other) cannot go to \(state) while \(primary) (primary)"),
                    "\(second.standardError)")
            }
            #expect(try await rows() == before)
            // A failover of pg_auto_failover's own, in either order of its two assignments, and back to what there was.
            try await expectAllowed(assign("prepare_promotion", to: other) + assign("draining", to: primary))
            try await awaitEndOfGrace()
            // Who has not reported for as long as the monitor waits for anybody stands in nobody's way, nor does a server
            // that is down by its own keeper's word and for the monitor.
            for why in ["reporttime = now() - interval '1 hour'", Self.down] {
                try await expectAllowed(
                    "UPDATE pgautofailover.node SET \(why) WHERE nodename = '\(primary)';"
                        + assign("prepare_promotion", to: other))
            }
            // Whoever takes writes goes on with that, whatever somebody else is stuck in.
            try await expectAllowed(
                "SET LOCAL session_replication_role = replica; \(assign("stop_replication", to: other))"
                    + "SET LOCAL session_replication_role = origin; \(assign("apply_settings", to: primary))")
            try await cluster.expectHealthy()
        }

        /// The moment in which a whole machine comes back: the monitor and a standby are there, the primary starts yet, and
        /// its last word before the restart was that its server does not run.
        @Test func aPrimaryGetsTimeToStartAfterTheMonitor() async throws {
            let (primary, standbys) = try await begin()
            let before = try await rows()
            for node in [primary] + standbys { try await docker("pause", node) }
            // Earlier it would count as a word from the time of the last start.
            try await awaitEndOfGrace()
            let word = try await TestCluster.onMonitor(
                "UPDATE pgautofailover.node SET reportedpgisrunning = false WHERE nodename = '\(primary)'", cluster)
            #expect(word.succeeded, "\(word.standardError)")
            try await docker("restart", TestCluster.monitor)
            let standby = try #require(standbys.first)
            try await docker("unpause", standby)
            try await Wait(for: "a report of \(standby)", upTo: .seconds(30), every: .milliseconds(100), hint: "").until
            {
                let answer = try await TestCluster.onMonitor(
                    """
                    SELECT reporttime > pg_postmaster_start_time() FROM pgautofailover.node
                    WHERE nodename = '\(standby)'
                    """, cluster)
                return answer.trimmedOutput == "t" ? .found(()) : .notYet(answer.standardError)
            }
            #expect(try await rows() == before)
            // Its last report is as old as the restart, and that says nothing either.
            let second = try await TestCluster.onMonitor(assign("prepare_promotion", to: standby), cluster)
            #expect(second.standardError.contains("pgaf: \(standby) cannot go to prepare_promotion"))
            for node in [primary] + standbys.dropFirst() { try await docker("unpause", node) }
            let state = try await cluster.waitUntilHealthyAgain("the monitor's restart")
            #expect(state.nodes.first { $0.reportedState == "primary" }?.name == primary)
        }

        @Test func aGuardThatIsOffIsSeenAndPutBack() async throws {
            _ = try await begin()
            let off = try await TestCluster.onMonitor(
                "ALTER TABLE pgautofailover.node DISABLE TRIGGER pgaf_3_one_writer", cluster)
            #expect(off.succeeded, "\(off.standardError)")
            #expect(PgafProject.changedSteps(try await cluster.up()) == ["monitor"])
            #expect(PgafProject.changedSteps(try await cluster.up()).isEmpty)
        }

        private func docker(_ arguments: String...) async throws {
            let result = try await cluster.command("docker", arguments)
            #expect(result.succeeded, "\(result.standardError)")
        }
    }
}
