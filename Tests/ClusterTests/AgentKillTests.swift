import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// The agent dies by SIGKILL in each of its steps, at each of their ends, and in the midst of what it does to a cluster
    /// in use; the next `up` brings everything into order, and nothing is lost or left over.
    ///
    /// `PGAF_SEED` repeats the moments of an earlier run; `PGAF_ROUNDS` does the whole several times, with every kind of
    /// work instead of some.
    @Suite(.serialized) struct AgentKillTests {
        let cluster: PgafProject

        init() throws { cluster = try TestCluster.local() }

        private static let steps =
            [
                "preflight", "repositories", "docker", "psql-client", "base-image", "image", "certificates", "network",
                "monitor",
            ]
            + ["registration"] + TestCluster.nodes.map { "node.\($0)" } + TestCluster.nodes.map { "access.\($0)" }
            + ["departures", "restarts", "failover-settings", "verify", "volumes"]

        private static func number(_ name: String) -> UInt64? {
            ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
        }

        @Test func theAgentMayDieAtAnyMoment() async throws {
            let seed = Self.number("PGAF_SEED") ?? .random(in: 1...UInt64(Int32.max))
            let rounds = Self.number("PGAF_ROUNDS").map { Int($0) }
            print("seed \(seed) (PGAF_SEED=\(seed) repeats this), \(rounds ?? 1) rounds")
            var moments = SeededGenerator(seed: seed)
            for round in 1...(rounds ?? 1) {
                try await bringUp(dyingAt: &moments)
                let works = Work.allCases.shuffled(using: &moments)
                // A remake of everything and back takes as long as all others.
                let some = works.filter { $0 != .remake }.prefix(2)
                try await repairWhileWritten(dyingAt: &moments, then: rounds == nil ? some : works[...])
                print("round \(round): no acknowledged row was lost")
            }
        }

        /// From nothing: each run gets one step further than the one before.
        private func bringUp(dyingAt moments: inout SeededGenerator) async throws {
            _ = try await cluster.host(["destroy", "--yes"])
            let images = try await danglingImages()
            var before = try await TestCluster.before(cluster)
            for step in Self.steps {
                try await die(in: step, after: .milliseconds(Int.random(in: 0...400, using: &moments)))
                // Those of the first run stay, whatever becomes of it.
                before.passwords = try before.passwords ?? cluster.passwords()
            }
            _ = try await cluster.up()
            let state = try await cluster.state()
            #expect(state.healthy, "\(state.notes)")
            #expect(try await danglingImages() == images)
            try await TestCluster.expectNoLeftovers(cluster, since: before)
        }

        /// A cluster in use: every other container is missing, the agent dies at the ends of steps, then in the midst of
        /// work of several kinds; rows stay.
        private func repairWhileWritten(
            dyingAt moments: inout SeededGenerator, then works: ArraySlice<Work>
        ) async throws {
            var before = try await TestCluster.before(cluster)
            let writer = try await ContinuousWriter.begin(cluster)
            let state = try await cluster.state()
            let standbys = state.nodes.filter { $0.reportedState == "secondary" }.map(\.name)
            for name in standbys.shuffled(using: &moments) {
                _ = try await cluster.command("docker", ["rm", "--force", name])
                try await die(atTheEndOf: "node.\(name)")
                for step in ["registration", "access.\(name)", "failover-settings"] { try await die(atTheEndOf: step) }
                _ = try await cluster.up()
            }
            for work in works { try await die(at: work, since: &before, &moments) }
            let outcome = try await writer.finish()
            #expect(outcome.missing.isEmpty, "acknowledged rows are gone: \(outcome.missing)")
            #expect(outcome.acknowledged > 0)
            try await cluster.expectHealthy()
            try await TestCluster.expectNoLeftovers(cluster, since: before)
        }

        private func die(in step: String, after delay: Duration) async throws {
            try await die(step, delay) { $0.body == .stepStarted(step: step) }
        }

        private func die(atTheEndOf step: String) async throws {
            try await die(step, .zero) { event in
                if case .stepFinished(step, _, _) = event.body { true } else { false }
            }
        }

        /// Starts `up` and kills the working process a moment after an event; once more, and sooner, where the run was over
        /// by then.
        private func die(
            _ step: String, _ delay: Duration, at moment: @escaping @Sendable (Event) -> Bool
        ) async throws {
            var delay = delay
            for _ in 1...5 {
                let (run, status) = try await cluster.up(interruptedAt: step, moment) { run in
                    try await ContinuousClock().sleep(for: delay)
                    if let process = MachineRuns.owner(of: run) { kill(process, SIGKILL) }
                }
                if hasDied(run, status, step) { return }
                delay /= 2
            }
            Issue.record("\(step): five runs were over before they were killed")
        }

        /// Whether a run was killed; one that was over before has nothing to complain of.
        ///
        /// - Parameter status: of its pgaf-host.
        func hasDied(_ run: String, _ status: Int32, _ words: String) -> Bool {
            let died = MachineRuns.result(of: run) == nil
            #expect(status == (died ? 69 : 0), "\(words): status \(status)")
            return died
        }

        func danglingImages() async throws -> Set<String> {
            let listing = try await cluster.command(
                "docker", ["images", "--quiet", "--no-trunc", "--filter", "dangling=true"])
            return Set(listing.standardOutput.split(separator: "\n").map(String.init))
        }
    }
}
