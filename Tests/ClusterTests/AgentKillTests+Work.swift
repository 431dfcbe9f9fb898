import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite.AgentKillTests {
    /// What is done to a cluster in use in several acts, between which it lacks something.
    enum Work: CaseIterable {
        /// A node leaves, the primary perhaps.
        case departure
        /// Every container is made anew in its turn.
        case remake
        /// The primary is restarted before its standbys, which may not take over meanwhile.
        case restart
        /// A standby without data is made anew from the primary.
        case repair
        /// New passwords reach the monitor, the nodes, and their files.
        case rotation
        /// Volumes of former nodes are removed.
        case purge
        case stop
    }

    /// How a work is begun, and when the agent is at it.
    private struct Deed {
        var arguments: [String]
        /// The most milliseconds from that event until the agent dies.
        var time: Int
        /// Flags of the `up` after that.
        var flags: [String] = []
        var isBegun: @Sendable (Event.Body) -> Bool
    }

    /// The agent dies at a random moment of a work, and `up` brings all into order. A run that was over before its agent was
    /// killed does not count.
    ///
    /// - Parameter before: gets the new passwords where the work has made some.
    func die(at work: Work, since before: inout TestCluster.Before, _ moments: inout SeededGenerator) async throws {
        for _ in 1...5 {
            let deed = try await prepare(work, &moments)
            let delay = Duration.milliseconds(Int.random(in: 0...deed.time, using: &moments))
            let died = try await begin(deed, "\(work)", dyingAfter: delay)
            print("\(work): \(died ? "killed" : "over") \(delay.brief) after its beginning")
            if work == .rotation { before.passwords = try cluster.passwords() }
            if work == .restart { try await expectPrioritiesToBeTold() }
            _ = try await cluster.up(deed.flags)
            let state = try await cluster.state()
            #expect(state.healthy && state.awaited == nil, "\(work): \(state.notes) \(state.awaited ?? [])")
            try await TestCluster.expectNoLeftovers(cluster, since: before)
            if died { return }
        }
        Issue.record("\(work): five runs were over before they were killed")
    }

    private func begin(_ deed: Deed, _ words: String, dyingAfter delay: Duration) async throws -> Bool {
        let former = cluster.recordedRun
        let host = try cluster.background(deed.arguments + ["--progress", "none"])
        try await cluster.waitForEvent("the \(words) to begin", after: former, deed.isBegun)
        try await ContinuousClock().sleep(for: delay)
        let run = try #require(cluster.recordedRun)
        if let process = MachineRuns.owner(of: run) { kill(process, SIGKILL) }
        return hasDied(run, host.wait(), words)
    }

    /// Makes the work necessary where no flag does.
    private func prepare(_ work: Work, _ moments: inout SeededGenerator) async throws -> Deed {
        let nodes = try await cluster.state().nodes
        let primary = try #require(nodes.first { $0.reportedState == "primary" }?.name)
        let standbys = nodes.map(\.name).filter { $0 != primary }
        let standby = try #require(standbys.randomElement(using: &moments))
        switch work {
        case .departure:
            let leaving = Bool.random(using: &moments) ? primary : standby
            let left = zip(TestCluster.nodes, TestCluster.ports).filter { $0.0 != leaving }
                .map { "{name: \($0.0), port: \($0.1)}" }.joined(separator: ", ")
            return Deed(arguments: ["up", "--set", "nodes=[\(left)]"], time: leaving == primary ? 5000 : 2500) {
                $0 == .stepStarted(step: "departures")
            }
        case .remake:
            return Deed(arguments: ["up", "--set", "image.tag=rolling"], time: 10_000) { Self.begins("node.", $0) }
        case .restart:
            return Deed(arguments: ["up", "--set", "postgres.settings.max_connections=90"], time: 6000) {
                Self.says("restart PostgreSQL of \(primary):", "restarts", $0)
            }
        case .repair:
            try await docker(["kill", standby])
            try await docker([
                "run", "--rm", "--network", "none", "--volumes-from", standby, "--entrypoint", "rm",
                "pgaf/pg_auto_failover:latest", "-rf", "/var/lib/pgaf/data",
            ])
            return Deed(arguments: ["up"], time: 2500) { Self.says("it is made anew", "node.\(standby)", $0) }
        case .rotation:
            // The writer goes on with the superuser's.
            return Deed(arguments: ["passwords", "rotate", "monitor", "replication"], time: 1500) {
                $0 == .stepStarted(step: "monitor")
            }
        case .purge:
            for number in 1...6 {
                try await docker([
                    "volume", "create", "--label", "pgaf.cluster=\(TestCluster.name)", "--label", "pgaf.role=volume",
                    "pgaf-test-former-\(number)",
                ])
            }
            let flags = ["--purge", "--yes"]
            return Deed(arguments: ["up"] + flags, time: 700, flags: flags) { $0 == .stepStarted(step: "volumes") }
        case .stop: return Deed(arguments: ["stop"], time: 2500) { Self.begins("stop.", $0) }
        }
    }

    private static func begins(_ steps: String, _ event: Event.Body) -> Bool {
        if case .stepStarted(let step) = event { step.hasPrefix(steps) } else { false }
    }

    private static func says(_ words: String, _ step: String, _ event: Event.Body) -> Bool {
        if case .stepOutput(step, let line) = event { line.contains(words) } else { false }
    }

    /// Everything has come back after such a kill, but nobody could take over.
    private func expectPrioritiesToBeTold() async throws {
        let state = try await cluster.state()
        let excluded = state.nodes.filter { $0.candidatePriority == 0 }.map(\.name)
        let told = (state.awaited ?? []).filter { $0.text.contains("candidate priority 0") }.compactMap(\.name)
        print("without a candidate priority: \(excluded)")
        #expect(told == excluded)
        if excluded.count == 2 { #expect(!state.healthy) }
    }
}
