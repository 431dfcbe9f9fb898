import Foundation
import Shared
import Synchronization
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

    init() {
        cluster = FakeCluster(topology)
        cluster.install(on: machine)
        cluster.fill(topology)
    }

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

@Suite struct RegistrationStepTests {
    private let machine = TestMachine()
    private let topology = TestMachine.topology()
    private let cluster: FakeCluster

    init() {
        cluster = FakeCluster(topology)
        cluster.install(on: machine)
        cluster.fill(topology)
    }

    private var step: RegistrationStep { RegistrationStep(topology: topology) }
    /// `pg_autoctl` command lines since, as node and words.
    private var orders: [String] {
        machine.runner.lines.filter { $0.contains("pg_autoctl") }.map { $0.dropFirst(4).joined(separator: " ") }
    }

    @Test func aFormationThatTheMonitorKnowsIsLeftAlone() async throws {
        #expect(try await step.inspect(machine.context(topology)).isEmpty)
    }

    @Test func aMonitorWithoutMemoryGetsThePrimaryFirst() async throws {
        cluster.change {
            $0.registered = []
            $0.writable = "pgnode2"
        }
        let context = machine.context(topology)
        let changes = try await step.inspect(context)
        #expect(changes.map(\.subject) == ["pgnode1", "pgnode2", "pgnode3"])
        try await step.apply(changes, context)
        #expect(try await step.inspect(context).isEmpty)
        #expect(
            orders == [
                "pgnode2 timeout 60 pg_autoctl disable monitor --force",
                "pgnode1 timeout 60 pg_autoctl disable monitor --force",
                "pgnode3 timeout 60 pg_autoctl disable monitor --force",
                "pgnode2 timeout 120 pg_autoctl enable monitor \(topology.monitorURI)",
                "pgnode1 timeout 120 pg_autoctl enable monitor \(topology.monitorURI)",
                "pgnode3 timeout 120 pg_autoctl enable monitor \(topology.monitorURI)",
            ])
        #expect(!topology.monitorURI.contains("s3cret"))
    }

    @Test func aStandbyThatLostItsRowComesAlone() async throws {
        cluster.change { $0.registered = ["pgnode1", "pgnode2"] }
        let context = machine.context(topology)
        let changes = try await step.inspect(context)
        #expect(changes.map(\.subject) == ["pgnode3"])
        try await step.apply(changes, context)
        #expect(orders.count == 2 && orders.allSatisfy { $0.hasPrefix("pgnode3 ") })
    }

    @Test func twoNodesThatTakeWritesAreNotChosenBetween() async throws {
        cluster.change { $0.registered = [] }
        machine.runner.on("docker", "exec") { command in
            let sql = command.input?.revealed ?? ""
            return CommandResult(standardOutput: sql.contains("json_agg") ? "[]\n" : "f\n")
        }
        let error = await #expect(throws: PgafError.self) {
            try await step.apply([], machine.context(topology))
        }
        #expect(error?.code == .nodeFailed && error?.remedy.contains("docker stop NAME") == true)
        #expect(orders.isEmpty)
    }

    /// The stranger was the primary; another one has been promoted in its place.
    @Test func aFormerPrimaryIsNotPreferredToThePresentOne() async throws {
        cluster.change { $0.registered = ["pgnode2", "pgnode3"] }
        machine.runner.on("docker", "exec") { [cluster] command in
            let sql = command.input?.revealed ?? ""
            guard sql.contains("pg_autoctl.state") else { return cluster.run(command) }
            return CommandResult(standardOutput: command.arguments.contains("pgnode3") ? "t\n" : "f\n")
        }
        let error = await #expect(throws: PgafError.self) {
            try await step.apply([], machine.context(topology))
        }
        #expect(error?.message.hasPrefix("pgnode1 and pgnode2 all take writes") == true)
        #expect(orders.isEmpty)
    }

    /// pgnode1 takes writes without a row, and pgnode2, which became primary in its place, takes no connections.
    private func loseThePrimarysRow() {
        cluster.change {
            $0.registered = ["pgnode2", "pgnode3"]
            $0.writable = "pgnode1"
            $0.silent = ["pgnode2"]
        }
    }

    /// It may have what the stranger lacks.
    @Test func aSuccessorThatCannotBeAskedIsNotForgotten() async throws {
        loseThePrimarysRow()
        let context = machine.context(topology)
        let starting = await #expect(throws: PgafError.self) {
            try await RegistrationStep(topology: topology, patience: .zero).apply([], context)
        }
        #expect(starting?.code == .nodeFailed && starting?.remedy.contains("docker volume rm VOLUME") == true)
        #expect(starting?.message.contains("for pgnode2 to answer whether it takes writes beside pgnode1") == true)
        // Nobody starts that one.
        cluster.change {
            $0.containers["pgnode2"] = ContainerStatus(name: "pgnode2", status: "exited", running: false)
        }
        let stopped = await #expect(throws: PgafError.self) { try await step.apply([], context) }
        #expect(stopped?.code == .nodeFailed && stopped?.message.hasPrefix("pgnode1 takes writes") == true)
        #expect(stopped?.remedy.contains("`docker start pgnode2`") == true)
        #expect(orders.isEmpty && cluster.change { $0.registered } == ["pgnode2", "pgnode3"])
    }

    @Test func aSuccessorThatAnswersLateIsHeard() async throws {
        loseThePrimarysRow()
        let asked = Mutex(0)
        machine.runner.on("docker", "exec") { [cluster] command in
            if command.arguments.contains("pgnode2") {
                let count = asked.withLock { count in
                    count += 1
                    return count
                }
                // Once it has been waited for.
                if count > 4 { cluster.change { $0.silent = [] } }
            }
            return cluster.run(command)
        }
        let error = await #expect(throws: PgafError.self) {
            try await step.apply([], machine.context(topology))
        }
        #expect(error?.message.hasPrefix("pgnode1 and pgnode2 all take writes") == true)
        #expect(orders.isEmpty)
    }

    /// The way that the refusal names: the one whose changes may be lost is given up.
    @Test func aSuccessorThatHasNoDataStandsInNobodysWay() async throws {
        loseThePrimarysRow()
        cluster.change {
            $0.containers["pgnode2"] = nil
            $0.volumes["pgnode2_data"] = nil
        }
        try await step.apply([], machine.context(topology))
        #expect(cluster.change { $0.registered } == ["pgnode1", "pgnode3"])
    }

    @Test func aRunThatEndedHalfWayIsGoneOnWith() async throws {
        cluster.change { $0.registered = ["pgnode1", "pgnode2"] }
        machine.runner.on("docker", "exec") { [cluster] command in
            guard command.arguments.contains("disable") else { return cluster.run(command) }
            return CommandResult(status: 12, standardError: "ERROR Monitor is disabled in the configuration")
        }
        try await step.apply([], machine.context(topology))
        #expect(orders.map { $0.contains("enable") } == [false, true])
    }

    /// The monitor had made its row when the disk was full for pg_autoctl's own files.
    @Test func aRegistrationThatOnlyTheMonitorKnowsIsMadeAgain() async throws {
        cluster.change { $0.halfRegistered = ["pgnode3"] }
        let context = machine.context(topology)
        let changes = try await step.inspect(context)
        #expect(
            changes.map(\.description) == [
                "register pgnode3 with the monitor again, its registration broke off"
            ])
        try await step.apply(changes, context)
        #expect(orders.count == 2 && orders.allSatisfy { $0.hasPrefix("pgnode3 ") })
        #expect(try await step.inspect(context).isEmpty)
        #expect(cluster.change { $0.registered } == ["pgnode1", "pgnode2", "pgnode3"])
    }

    @Test func withoutAnyPrimaryNobodyIsRegistered() async throws {
        cluster.change { $0.registered = [] }
        machine.runner.on("docker", "exec") { command in
            let sql = command.input?.revealed ?? ""
            return CommandResult(standardOutput: sql.contains("json_agg") ? "[]\n" : "t\n")
        }
        let error = await #expect(throws: PgafError.self) {
            try await step.apply([], machine.context(topology))
        }
        #expect(error?.code == .nodeFailed && error?.remedy.contains("pg_ctl promote") == true)
        #expect(orders.isEmpty)
    }

    /// The monitor would take whoever comes first for the primary, also one that had been away for days.
    @Test func ofSeveralStoppedNodesNobodyBecomesPrimaryByChance() async throws {
        cluster.change {
            $0.registered = []
            for name in ["pgnode1", "pgnode2", "pgnode3"] {
                $0.containers[name] = ContainerStatus(name: name, status: "exited", running: false)
            }
        }
        machine.runner.on("docker", "run") { command in
            let isControl = command.arguments.last?.contains("pg_controldata") == true
            return CommandResult(standardOutput: isControl ? "TimeLineID: 3\n" : "yes\nno\nyes\nno\n")
        }
        let error = await #expect(throws: PgafError.self) { try await step.inspect(machine.context(topology)) }
        #expect(error?.code == .nodeFailed && error?.remedy.contains("docker start") == true)
        #expect(error?.output == ["pgnode1", "pgnode2", "pgnode3"].map { "\($0): TimeLineID: 3" })

        // A new one without any data might come before the only one that has some.
        machine.runner.on("docker", "run") { command in
            let has = command.arguments.contains("pgnode2") ? "yes" : "no"
            return CommandResult(standardOutput: "\(has)\nno\n\(has)\nno\n")
        }
        let second = await #expect(throws: PgafError.self) { try await step.inspect(machine.context(topology)) }
        #expect(second?.message.contains("(pgnode2)") == true)
        var alone = Configuration()
        alone.nodes = [NodeSettings(name: "pgnode2", port: 5002)]
        let single = TestMachine.topology(alone)
        #expect(try await RegistrationStep(topology: single).inspect(machine.context(single)).isEmpty)
    }
}

@Suite struct DepartureStepTests {
    private let machine = TestMachine()
    private let topology: ClusterTopology
    private let cluster: FakeCluster

    init() {
        var configuration = Configuration()
        configuration.nodes.removeLast()
        topology = TestMachine.topology(configuration)
        cluster = FakeCluster(topology)
        cluster.install(on: machine)
        cluster.change {
            for name in ["monitor_node", "pgnode1", "pgnode2", "pgnode3"] {
                let role = name == "monitor_node" ? "monitor" : "node"
                $0.containers[name] = ContainerStatus(
                    name: name, status: "running", running: true, labels: ["pgaf.cluster": "pgaf", "pgaf.role": role])
            }
            $0.registered = ["pgnode1", "pgnode2", "pgnode3"]
        }
        machine.runner.on("docker", "update")
    }

    @Test func aNodeLeavesTheFormationBeforeItsContainerGoes() async throws {
        let context = machine.context(topology)
        let step = DepartureStep(topology: topology)
        let changes = try await step.inspect(context)
        #expect(changes.map(\.subject) == ["pgnode3"])
        let before = machine.runner.lines.count
        try await step.apply(changes, context)
        #expect(try await step.inspect(context).isEmpty)
        let lines = machine.runner.lines.dropFirst(before)
        let unrestarted = try #require(lines.firstIndex(of: ["docker", "update", "--restart", "no", "pgnode3"]))
        let left = try #require(
            machine.runner.commands.dropFirst(before).firstIndex {
                $0.input?.revealed.contains("remove_node(nodeid, false)") == true
            })
        let removed = try #require(lines.firstIndex(of: ["docker", "rm", "pgnode3"]))
        #expect(unrestarted < left && left < removed)
        #expect(!lines.contains { $0.starts(with: ["docker", "volume"]) })
    }

    @Test func aPrimaryWithoutAReadySuccessorStays() async throws {
        cluster.change {
            $0.registered = ["pgnode3"]
            for name in ["pgnode1", "pgnode2"] { $0.containers[name] = nil }
        }
        let context = machine.context(topology)
        let step = DepartureStep(topology: topology)
        let error = await #expect(throws: PgafError.self) {
            try await step.apply(try await step.inspect(context), context)
        }
        #expect(error?.code == .dataWouldBeLost)
        #expect(!machine.runner.lines.contains(["docker", "rm", "pgnode3"]))
    }
}
