import Foundation
import GuestAgent
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// One random fault after another for as long as one likes (`make soak`), a client writing through each; the report is
    /// what docs/reliability.md has.
    ///
    /// `PGAF_SOAK_MINUTES` says how long, `PGAF_SEED` repeats the faults of an earlier run, and `PGAF_SOAK_FAULTS` names
    /// some of them, with commas: `engineRestarted,allRestarted`.
    @Suite(.serialized, .enabled(if: SoakLength.minutes > 0, "only in `make soak`")) struct SoakTests {
        let cluster: PgafProject
        let engine = TestEngine()

        init() throws { cluster = try TestCluster.local() }

        enum Fault: String, CaseIterable {
            case agentKilled = "agent killed at a random moment of an `up` that makes a node again"
            case hostKilled = "pgaf-host killed at a random moment of such an `up`"
            case primaryKilled = "primary killed"
            case primaryPaused = "primary paused for 15 s"
            case twoKilled = "any two containers killed"
            case monitorKilled = "monitor killed"
            case allRestarted = "all containers restarted at once"
            case allKilled = "all containers killed at once, as by a loss of power"
            case engineRestarted = "Docker engine restarted"
            case engineKilled = "Docker engine killed at a random moment of such an `up`"
            case standbyRemoved = "a standby's container removed"
            case primaryRemoved = "the primary's container removed"
            case monitorLost = "the monitor's container and volume removed"
            case nodesRemoved = "all nodes' containers removed"
            case memoryLost = "all containers and the monitor's volume removed"
            case settingsLost = "pg_autoctl's settings of the primary and a standby emptied"
            case switchover = "a switchover ordered"
            case linkCut = "the SSH link cut at a random moment of such an `up` by SSH"
            case diskFull = "the machine's own disk full at a random moment of such an `up`"

            /// Whether the cluster has to come back without `up`.
            var mendsAlone: Bool {
                switch self {
                case .primaryKilled, .primaryPaused, .twoKilled, .monitorKilled, .allRestarted, .allKilled,
                    .engineRestarted, .switchover:
                    true
                default: false
                }
            }
        }

        @Test func everyFaultEndsInAHealthyClusterWithEveryRow() async throws {
            let seed = SoakLength.number("PGAF_SEED") ?? .random(in: 1...UInt64(Int32.max))
            print("soak of \(SoakLength.minutes) min, seed \(seed) (PGAF_SEED=\(seed) repeats its faults)")
            let faults = try SoakLength.faults(of: Fault.allCases)
            var chance = SeededGenerator(seed: seed)
            var tally = Tally()
            let end = ContinuousClock.now + .seconds(60 * SoakLength.minutes)
            _ = try await cluster.up()
            // What was seen is told also when something ends the soak.
            defer { for line in tally.lines { print(line) } }
            while ContinuousClock.now < end {
                // Every kind once before any comes again, each time in another order.
                for fault in faults.shuffled(using: &chance) where ContinuousClock.now < end {
                    tally.add(fault.rawValue, try await survive(fault, &chance))
                }
            }
            #expect(tally.lost == 0)
        }

        private func survive(_ fault: Fault, _ chance: inout SeededGenerator) async throws -> Tally.Entry {
            let before = try await cluster.waitUntilHealthy("the fault before", upTo: .seconds(300))
            let writer = try await ContinuousWriter.begin(cluster)
            let start = ContinuousClock.now
            try await inject(fault, before, &chance)
            if !fault.mendsAlone { _ = try await cluster.up() }
            let (state, helped) = try await healthy(after: fault)
            let took = ContinuousClock.now - start - .seconds(8)
            let outcome = try await writer.finish()
            #expect(outcome.missing.isEmpty, "\(fault.rawValue): acknowledged rows are gone: \(outcome.missing)")
            #expect(state.nodes.count { $0.reportedState == "primary" } == 1)
            let primaries = [before, state].map { $0.nodes.first { $0.reportedState == "primary" }?.name ?? "nobody" }
            print(
                "\(fault.rawValue): healthy after \(took.brief), longest pause \(outcome.longestPause.brief),"
                    + " primary \(primaries.joined(separator: " → "))")
            if !outcome.missing.isEmpty { await printEvents() }
            return Tally.Entry(
                healthy: took, helped: helped, pause: outcome.longestPause, rows: outcome.acknowledged,
                lost: outcome.missing.count)
        }

        /// A cluster that does not come back by itself is a failure, and gets `up`: the soak goes on.
        private func healthy(after fault: Fault) async throws -> (FormationState, helped: Bool) {
            do {
                return (try await cluster.waitUntilHealthyAgain(fault.rawValue, upTo: .seconds(300)), false)
            } catch let error as PgafError where fault.mendsAlone {
                Issue.record("\(fault.rawValue): did not come back by itself: \(error.description)")
                _ = try await cluster.up()
                return (try await cluster.waitUntilHealthyAgain(fault.rawValue, upTo: .seconds(300)), true)
            }
        }

        /// What the monitor did last, for whoever looks for the reason of a loss.
        private func printEvents() async {
            let sql = """
                SELECT to_char(eventtime, 'HH24:MI:SS.MS'), nodename, reportedstate, goalstate, description
                FROM (SELECT * FROM pgautofailover.event ORDER BY eventid DESC LIMIT 80) last ORDER BY eventid
                """
            print((try? await TestCluster.onMonitor(sql, cluster))?.standardOutput ?? "no events")
        }

        private func inject(_ fault: Fault, _ state: FormationState, _ chance: inout SeededGenerator) async throws {
            let primary = try #require(state.nodes.first { $0.reportedState == "primary" }?.name)
            let standbys = state.nodes.map(\.name).filter { $0 != primary }
            let standby = try #require(standbys.randomElement(using: &chance))
            switch fault {
            case .agentKilled, .hostKilled, .engineKilled, .linkCut, .diskFull:
                let delay = Duration.milliseconds(Int.random(in: 0...2500, using: &chance))
                try await interrupt(fault, making: standby, after: delay)
            case .primaryKilled: try await crash([primary])
            case .primaryPaused:
                _ = try await cluster.command("docker", ["pause", primary])
                try await ContinuousClock().sleep(for: .seconds(15))
                _ = try await cluster.command("docker", ["unpause", primary])
            case .twoKilled:
                let two = Array(TestCluster.containers.shuffled(using: &chance).prefix(2))
                print("killed: \(two.joined(separator: ", "))")
                try await crash(two)
            case .monitorKilled: try await crash([TestCluster.monitor])
            case .allRestarted: _ = try await cluster.command("docker", ["restart"] + TestCluster.containers)
            case .allKilled: try await crash(TestCluster.containers)
            case .engineRestarted:
                try await engine.stop()
                try await engine.start()
            case .standbyRemoved: _ = try await cluster.command("docker", ["rm", "--force", standby])
            case .primaryRemoved: _ = try await cluster.command("docker", ["rm", "--force", primary])
            case .monitorLost:
                _ = try await cluster.command("docker", ["rm", "--force", TestCluster.monitor])
                _ = try await cluster.command("docker", ["volume", "rm", "\(TestCluster.monitor)_data"])
            case .nodesRemoved: _ = try await cluster.command("docker", ["rm", "--force"] + TestCluster.nodes)
            case .memoryLost:
                _ = try await cluster.command("docker", ["rm", "--force"] + TestCluster.containers)
                _ = try await cluster.command("docker", ["volume", "rm", "\(TestCluster.monitor)_data"])
            case .settingsLost:
                for node in [primary, standby] {
                    _ = try await cluster.command(
                        "docker", ["exec", node, "truncate", "-s", "0", ContainerLayout.keeperConfiguration])
                }
            case .switchover:
                _ = try await cluster.command(
                    "docker",
                    ["exec", "--user", "postgres", TestCluster.monitor, "pg_autoctl", "perform", "switchover"])
            }
        }

        /// At once, and as a crash, not as somebody's order to stop: Docker's restart policy brings the containers back.
        private func crash(_ containers: [String]) async throws {
            let processes = try await cluster.command(
                "docker", ["container", "inspect", "--format", "{{.State.Pid}}"] + containers)
            for process in processes.standardOutput.split(separator: "\n") {
                kill(try #require(pid_t(process)), SIGKILL)
            }
        }
    }
}

/// What the environment says about a soak.
private enum SoakLength {
    /// 0 for none.
    static let minutes = number("PGAF_SOAK_MINUTES").map { Int($0) } ?? 0

    /// Those of the faults that are asked for; all where none is.
    static func faults<Fault: Sendable>(of all: [Fault]) throws -> [Fault] {
        guard let names = ProcessInfo.processInfo.environment["PGAF_SOAK_FAULTS"] else { return all }
        return try names.split(separator: ",").map { name in
            try #require(
                all.first { "\($0)" == name }, "PGAF_SOAK_FAULTS: no fault is called \(name); there are \(all)")
        }
    }

    static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }
}

/// What a soak has seen, by fault.
private struct Tally {
    struct Entry {
        var healthy: Duration
        /// Whether `up` was needed where none should be.
        var helped: Bool
        /// The longest time between two acknowledged rows.
        var pause: Duration
        var rows: Int
        var lost: Int
    }

    private var entries: [(fault: String, entry: Entry)] = []

    mutating func add(_ fault: String, _ entry: Entry) { entries.append((fault, entry)) }

    var lost: Int { entries.reduce(0) { $0 + $1.entry.lost } }

    /// A table in Markdown, the sum of all below.
    var lines: [String] {
        let kinds = Dictionary(grouping: entries, by: \.fault).sorted { $0.key < $1.key }
        let rows = kinds.map { row($0.key, $0.value.map(\.entry)) } + [row("all", entries.map(\.entry))]
        return [
            "| fault | times | needed `up` | healthy after, median | worst | writes paused, median | worst | rows | lost |",
            "|---|---|---|---|---|---|---|---|---|",
        ] + rows
    }

    private func row(_ name: String, _ entries: [Entry]) -> String {
        let (healthy, pauses) = (entries.map(\.healthy).sorted(), entries.map(\.pause).sorted())
        func text(_ times: [Duration], _ index: Int) -> String {
            times.isEmpty ? "-" : "\((times[index].inSeconds * 10).rounded() / 10) s"
        }
        let middle = entries.count / 2
        let cells = [
            name, "\(entries.count)", "\(entries.count { $0.helped })", text(healthy, middle),
            text(healthy, entries.count - 1), text(pauses, middle),
            text(pauses, entries.count - 1), "\(entries.reduce(0) { $0 + $1.rows })",
            "\(entries.reduce(0) { $0 + $1.lost })",
        ]
        return "| \(cells.joined(separator: " | ")) |"
    }
}
