import Foundation
import Shared
import TestSupport
import Testing

@testable import GuestAgent

@Suite struct NodeAilmentTests {
    private func remains(_ memory: Bool, _ data: Bool, initialising: Bool = false) -> NodeRemains {
        NodeRemains(hasMemory: memory, isInitialising: initialising, hasData: data)
    }

    @Test func whatPgAutoctlMendsItselfIsLeftToIt() {
        let row = Monitor.Row.sample("a", "catchingup", "secondary")
        #expect(NodeAilment.diagnose(remains(true, true), row: row) == nil)
        #expect(NodeAilment.diagnose(remains(true, true), row: nil) == nil)
        #expect(NodeAilment.diagnose(remains(true, false, initialising: true), row: row) == nil)
        #expect(NodeAilment.diagnose(remains(false, false), row: nil) == nil)
        #expect(NodeAilment.diagnose(remains(false, true), row: nil) == nil)
    }

    @Test func whatIsGoneIsNamed() {
        let row = Monitor.Row.sample("a", "secondary")
        #expect(NodeAilment.diagnose(remains(false, true), row: row) == .noMemory)
        #expect(NodeAilment.diagnose(remains(true, false), row: row) == .noData)
        #expect(NodeAilment.diagnose(remains(true, false), row: nil) == .noData)
        #expect(NodeAilment.diagnose(remains(false, false), row: row) == .nothing)
    }

    @Test func dataThatLeftThePrimarysHistoryIsToldByPostgreSQL() {
        var all = remains(true, true)
        all.hasStrayed = true
        #expect(NodeAilment.diagnose(all, row: .sample("a", "join_secondary", "secondary")) == .strayed)
        #expect(NodeAilment.diagnose(all, row: nil) == nil)
        var settled = Monitor.Row.sample("a", "secondary")
        #expect(NodeAilment.diagnose(all, row: settled) == nil)
        settled.streams = false
        #expect(NodeAilment.diagnose(all, row: settled) == .strayed)
        settled.streams = true
        #expect(NodeAilment.diagnose(all, row: settled) == nil)
    }

    private static let streaming = "started streaming WAL from primary at 0/4000000 on timeline 2"
    private static let forked =
        "new timeline 3 forked off current database system timeline 2 before current recovery point 0/412E298"
    private static let logs: [([String], Bool)] = [
        ([streaming], false),
        ([streaming, forked, "waiting for WAL to become available at 0/4002000"], true),
        ([forked, streaming], false),
        (["requested timeline 3 is not a child of this server's history"], true),
        (["could not receive data from WAL stream: ERROR:  requested WAL segment 01 has already been removed"], true),
        (["consistent recovery state reached at 0/412E298"], false),
    ]

    /// The words are PostgreSQL's; the script runs here, on a log of the test's own.
    @Test(arguments: logs) func theLastThatAServerSaysOfItsPrimaryCounts(_ lines: [String], _ hasStrayed: Bool)
        async throws
    {
        let machine = TestMachine()
        machine.runner.on("docker", "run", prints: "yes\nno\nyes\nno\n")
        _ = try await NodeRemains.read("pgnode2", machine.context())
        let scratch = ScratchDirectory()
        let log = "\(scratch.path)/data/log"
        try FileManager.default.createDirectory(atPath: log, withIntermediateDirectories: true)
        try lines.map { "2026-01-31 12:00:00.000 UTC [38] LOG:  \($0)\n" }.joined()
            .write(toFile: "\(log)/postgresql.log", atomically: true, encoding: .utf8)
        let script = try #require(machine.runner.lines.first?.last).replacing("/var/lib/pgaf", with: scratch.path)
        let answers = try await SubprocessRunner().run(Command("sh", ["-c", script])).trimmedOutput
        #expect(answers.split(separator: "\n").last == (hasStrayed ? "yes" : "no"))
    }

    @Test(arguments: [NodeAilment.noMemory, .noData, .nothing, .strayed])
    func aNodeIsMadeAnewOnlyFromAHealthyPrimary(_ ailment: NodeAilment) {
        let own = Monitor.Row.sample("a", "primary", "demoted", health: 0)
        #expect(ailment.treatment([own, .sample("b", "primary", id: 2)], node: "a") == .makeAnew)
        #expect(ailment.treatment([own, .sample("b", "primary", id: 2, health: 0)], node: "a") == .waitForPrimary)
        #expect(ailment.treatment([own, .sample("b", "secondary", id: 2)], node: "a") == .waitForPrimary)
        #expect(
            ailment.treatment([own, .sample("b", "secondary", "prepare_promotion", id: 2)], node: "a")
                == .waitForPrimary)
    }

    @Test func theOnlyCopyOfDataIsNeverGivenUp() {
        let own = Monitor.Row.sample("a", "single")
        #expect(NodeAilment.noMemory.treatment([own], node: "a") == .registerAgain)
        #expect(NodeAilment.noData.treatment([own], node: "a") == .refuse)
        #expect(NodeAilment.nothing.treatment([own], node: "a") == .refuse)
        #expect(NodeAilment.nothing.treatment([], node: "a") == .refuse)
        #expect(NodeAilment.strayed.treatment([own], node: "a") == .refuse)
    }

    @Test func theVolumeIsLookedAtFromBesideTheContainer() async throws {
        let machine = TestMachine()
        machine.runner.on("docker", "run", prints: "yes\nno\nyes\nno\n")
        let context = machine.context()
        let found = try await NodeRemains.read("pgnode2", context)
        #expect(found == NodeRemains(hasMemory: true, isInitialising: false, hasData: true))
        let line = try #require(machine.runner.lines.first)
        #expect(
            Array(line.dropLast()) == ["docker"] + HelperContainer.run + [
                "--cap-add", "DAC_OVERRIDE", "--label", "pgaf.cluster=pgaf", "--volumes-from", "pgnode2",
                "--entrypoint", "sh", "pgaf/pg_auto_failover:latest", "-c",
            ])
        machine.runner.on("docker", "run", status: 125, error: "No such container")
        #expect(try await NodeRemains.read("pgnode2", context) == nil)
    }

    @Test func dataIsSetAsideAndNeverRemoved() async throws {
        let machine = TestMachine()
        machine.runner.on("docker", "run", prints: "/var/lib/pgaf/data.set-aside.2\n")
        #expect(try await NodeRemains.clear("pgnode2", machine.context()) == "/var/lib/pgaf/data.set-aside.2")
        let script = try #require(machine.runner.lines.first?.last)
        // Run here, on a volume of the test's own.
        let scratch = ScratchDirectory()
        let volume = "\(scratch.path)/volume"
        let local = script.replacing("/var/lib/pgaf", with: volume)
        for (number, name) in ["data.set-aside", "data.set-aside.2", "data.set-aside.3"].enumerated() {
            let base = "\(volume)/data/base"
            try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
            try "\(number)".write(toFile: "\(base)/1", atomically: true, encoding: .utf8)
            let result = try await SubprocessRunner().run(Command("sh", ["-c", local]))
            #expect(result.trimmedOutput == "\(volume)/\(name)", "\(result.standardError)")
            #expect(try String(contentsOfFile: "\(volume)/\(name)/base/1", encoding: .utf8) == "\(number)")
        }
        #expect(try await SubprocessRunner().run(Command("sh", ["-c", local])).trimmedOutput == "")
    }
}

@Suite struct NodeRepairTests {
    private let machine = TestMachine()
    private let topology = TestMachine.topology()
    private let cluster: FakeCluster

    init() { cluster = FakeCluster.filled(topology, on: machine) }

    private func repair(_ node: Int) -> NodeRepair {
        NodeRepair(node: topology.configuration.nodes[node - 1], topology: topology, every: .zero)
    }

    /// The first attempt begins the pause between looks, the second one suspects, the third one acts.
    private func attempt(_ repair: NodeRepair) async throws -> String? {
        let context = machine.context(topology)
        for _ in 1...2 { #expect(try await repair.attempt(step: "node", context) == nil) }
        return try await repair.attempt(step: "node", context)
    }

    @Test func aNodeWithoutItsDataIsMadeAnewAndThatIsTold() async throws {
        cluster.change {
            $0.silent = ["pgnode3"]
            $0.remains["pgnode3"] = "yes\nno\nno\nno"
        }
        let repair = repair(3)
        #expect(try await attempt(repair) == nil && repair.hasActed)
        let deeds = machine.runner.lines.filter { ["stop", "start"].contains($0[1]) }
        #expect(deeds == [["docker", "stop", "pgnode3"], ["docker", "start", "pgnode3"]])
        #expect(cluster.change { $0.registered } == ["pgnode1", "pgnode2"])
    }

    /// No node answers, and nothing is in any volume.
    private func loseEverything() {
        cluster.change {
            $0.silent = ["pgnode1", "pgnode2", "pgnode3"]
            $0.remains = ["pgnode1", "pgnode2", "pgnode3"].reduce(into: [:]) { $0[$1] = "no\nno\nno\nno" }
        }
    }

    /// The others' rows lead nowhere: nobody but this one can be primary.
    @Test func theLastNodeWithDataRegistersBeforeAllOthers() async throws {
        loseEverything()
        cluster.change { $0.remains["pgnode2"] = "no\nno\nyes\nno" }
        let repair = repair(2)
        #expect(try await attempt(repair) == nil && repair.hasActed)
        #expect(cluster.change { $0.registered } == ["pgnode2", "pgnode1", "pgnode3"])
        let deeds = machine.runner.lines.filter { ["stop", "start"].contains($0[1]) }.map { $0.dropFirst() }
        #expect(
            deeds == [
                ["stop", "pgnode2", "pgnode1", "pgnode3"], ["start", "pgnode2"], ["start", "pgnode1", "pgnode3"],
            ])
        cluster.change {
            $0.registered = ["pgnode1", "pgnode2"]
            $0.remains["pgnode1"] = "yes\nno\nyes\nno"
        }
        let other = self.repair(2)
        #expect(
            try await attempt(other) == "pg_autoctl's memory of the node is gone, and no other node is primary yet"
                && !other.hasActed)
    }

    /// It would ask for ever, and the others would stand still.
    @Test func theLastNodeWithDataThatMayNotBePrimaryIsTold() async throws {
        loseEverything()
        cluster.change { $0.remains["pgnode2"] = "no\nno\nyes\nno" }
        var node = topology.configuration.nodes[1]
        node.candidatePriority = 0
        let repair = NodeRepair(node: node, topology: topology, every: .zero)
        let error = await #expect(throws: PgafError.self) { try await attempt(repair) }
        #expect(error?.code == .nodeFailed && error?.remedy.contains("`docker rm --force pgnode2`") == true)
        #expect(machine.runner.lines.filter { $0[1] == "stop" }.isEmpty)
    }

    /// All containers and volumes but the monitor's were removed a moment ago, and `up` has made them again.
    @Test func withoutAnyDataLeftTheWayOnIsTold() async throws {
        loseEverything()
        for node in 1...3 {
            let error = await #expect(throws: PgafError.self) { try await attempt(repair(node)) }
            #expect(error?.code == .dataWouldBeLost && error?.remedy.contains("`pgaf-host up --fresh`") == true)
        }
        // There is some, some is about to come, or nobody can tell: the monitor's word for the primary is not enough.
        for remains in ["yes\nno\nyes\nno", "yes\nyes\nno\nno", ""] {
            cluster.change { $0.remains["pgnode1"] = remains }
            let repair = repair(2)
            #expect(
                try await attempt(repair) == "what its volume held is gone, and no other node is primary yet"
                    && !repair.hasActed)
        }
    }

    @Test func aFailoverThatStandsStillIsForeseenByOneStep() async throws {
        func foreseen(_ node: Int, sinceAssigned: Int) async throws -> [String] {
            let rows = [
                Monitor.Row.sample("pgnode1", "report_lsn", "demote_timeout", sinceAssigned: sinceAssigned),
                .sample("pgnode2", "stop_replication", id: 2, sinceAssigned: sinceAssigned),
            ]
            return try await repair(node).foresee(rows, machine.context(topology)).map(\.description)
        }
        #expect(
            try await foreseen(2, sinceAssigned: 60) == [
                "let the failover from pgnode1 to pgnode2 go on, which stands still"
            ])
        #expect(try await foreseen(1, sinceAssigned: 60).isEmpty)
        #expect(try await foreseen(2, sinceAssigned: 1).isEmpty)
    }

    /// What a node that registers for the first time lacks it never had.
    @Test func aNodeThatIsStillInitialisedIsRefusedByNoPlan() async throws {
        loseEverything()
        let context = machine.context(topology)
        #expect(try await repair(1).foresee([.sample("pgnode1", "init", "single")], context).isEmpty)
        let error = await #expect(throws: PgafError.self) {
            try await repair(1).foresee([.sample("pgnode1", "single")], context)
        }
        #expect(error?.code == .dataWouldBeLost)
    }
}

@Suite struct StuckFailoverTests {
    @Test func onlyWhatCannotGoOnIsStuck() throws {
        let rows = [
            Monitor.Row.sample("a", "report_lsn", "demote_timeout"), .sample("b", "stop_replication"),
            .sample("c", "report_lsn", "join_secondary"),
        ]
        let stuck = try #require(StuckFailover(rows))
        #expect(stuck.former == "a" && stuck.next == "b")
        #expect(stuck.resolution.contains("nodename = 'a'\n    AND reportedstate = 'report_lsn'"))
        #expect(stuck.resolution.contains("goalstate = 'wait_primary' WHERE nodename = 'b'"))
        #expect(StuckFailover(Array(rows.dropFirst())) == nil && StuckFailover(Array(rows.prefix(1))) == nil)
        // On its way, or over.
        #expect(StuckFailover([.sample("a", "draining", "demote_timeout"), .sample("b", "stop_replication")]) == nil)
        #expect(
            StuckFailover([rows[0], .sample("b", "prepare_promotion", "stop_replication")]) == nil)
    }
}
