import Shared
import Synchronization
import Testing

@testable import GuestAgent

@Suite struct RegistrationStepTests {
    private let machine = TestMachine()
    private let topology = TestMachine.topology()
    private let cluster: FakeCluster

    init() { cluster = FakeCluster.filled(topology, on: machine) }

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

    /// Such a one is restarted instead, and would be the primary if that came first.
    @Test func aStandbyWithoutSettingsComesAfterThePrimary() async throws {
        cluster.change {
            $0.registered = []
            $0.writable = "pgnode2"
            $0.lostConfigurations = ["pgnode1"]
        }
        let context = machine.context(topology)
        try await step.apply(try await step.inspect(context), context)
        #expect(cluster.change { $0.registered } == ["pgnode2", "pgnode1", "pgnode3"])
        #expect(orders.allSatisfy { !$0.hasPrefix("pgnode1 ") })
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

    /// Stops all nodes of a monitor that has lost its memory, pgnode3 without a container.
    ///
    /// - Parameter states: what their control files say, and the timeline.
    private func loseAllButTheVolumes(_ states: [String: (String, Int)]) {
        cluster.change {
            $0.registered = []
            $0.images[BaseSystem.image] = [Label.hash: BaseImageStep.hash]
            for name in ["pgnode1", "pgnode2"] { $0.containers[name]?.running = false }
            $0.containers["pgnode3"] = nil
            for name in states.keys {
                $0.volumes["\(name)_data"] = [Label.cluster: "pgaf", Label.node: name]
                $0.remains[name] = "yes\nno\nyes\nno"
            }
        }
        machine.runner.on("docker", "run", "--rm") { command in
            let line = command.arguments.joined(separator: " ")
            guard let (state, timeline) = states.first(where: { line.contains($0.key) })?.value else {
                return FakeCluster.ok("no\nno\nno\nno")
            }
            guard line.contains("pg_controldata") else { return FakeCluster.ok("yes\nno\nyes\nno") }
            return FakeCluster.ok(
                "Database cluster state: \(state)\nLatest checkpoint location: 0/1\n"
                    + "Latest checkpoint's TimeLineID: \(timeline)")
        }
    }

    @Test func aMonitorWithoutMemoryGetsTheLastPrimaryFirstThoughNobodyRuns() async throws {
        loseAllButTheVolumes([
            "pgnode1": ("in production", 1), "pgnode2": ("shut down in recovery", 2), "pgnode3": ("in production", 2),
        ])
        let context = machine.context(topology)
        let changes = try await step.inspect(context)
        #expect(
            changes.map(\.description) == [
                "start pgnode3, which has the newest data, before all others: the monitor has lost its memory"
            ])
        try await step.apply(changes, context)
        #expect(cluster.change { $0.containers["pgnode3"]?.running } == true)
        #expect(cluster.change { $0.registered } == ["pgnode3"])
        #expect(machine.runner.lines.filter { $0[1] == "start" }.isEmpty, "others come in their own steps")
    }

    /// Its volume may have what no other has.
    @Test func whoCannotBeLookedAtIsNotPassedOver() async throws {
        loseAllButTheVolumes(["pgnode1": ("in production", 1)])
        machine.runner.on("docker", "run", "--rm") { command in
            let line = command.arguments.joined(separator: " ")
            guard line.contains("pgnode1") else { return CommandResult(status: 125) }
            return FakeCluster.ok("yes\nno\nyes\nno")
        }
        let error = await #expect(throws: PgafError.self) { try await step.inspect(machine.context(topology)) }
        #expect(error?.message.contains("(pgnode1, pgnode2)") == true)
    }

    /// Rows that come between the look and the deed.
    @Test func whoeverRegistersMeanwhileIsHeldBack() async throws {
        loseAllButTheVolumes(["pgnode1": ("shut down in recovery", 2), "pgnode3": ("in production", 2)])
        let context = machine.context(topology)
        let changes = try await step.inspect(context)
        cluster.change {
            $0.containers["pgnode1"]?.running = true
            $0.silent = ["pgnode1"]
            $0.registered = ["pgnode1"]
        }
        try await step.apply(changes, context)
        #expect(cluster.change { $0.registered } == ["pgnode3"])
        #expect(machine.runner.lines.contains(["docker", "stop", "pgnode1"]))
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
        loseAllButTheVolumes([
            "pgnode1": ("in production", 2), "pgnode2": ("shut down in recovery", 2), "pgnode3": ("in production", 2),
        ])
        let error = await #expect(throws: PgafError.self) { try await step.inspect(machine.context(topology)) }
        // One of them has no container to start.
        #expect(error?.code == .nodeFailed && error?.remedy.contains("remove the others of pgnode3_data") == true)
        #expect(error?.remedy.contains("`up --fresh`") == true)
        #expect(
            error?.output == [
                "pgnode1: in production, timeline 2, checkpoint 0/1",
                "pgnode2: shut down in recovery, timeline 2, checkpoint 0/1",
                "pgnode3: in production, timeline 2, checkpoint 0/1",
            ])

        cluster.change { $0.containers["pgnode3"] = ContainerStatus(name: "pgnode3", status: "exited", running: false) }
        let startable = await #expect(throws: PgafError.self) { try await step.inspect(machine.context(topology)) }
        #expect(startable?.remedy.hasPrefix("Start the one that was primary last") == true)

        #expect(startable?.remedy.contains("in production rather than in recovery") == true)
        // A new one without any data might come before the only one that has some.
        machine.runner.on("docker", "run") { command in
            let has = command.arguments.contains("pgnode2") ? "yes" : "no"
            let isControl = command.arguments.last?.contains("pg_controldata") == true
            return CommandResult(
                standardOutput: isControl
                    ? "Database cluster state: in archive recovery\nLatest checkpoint location: 0/1\n"
                        + "Latest checkpoint's TimeLineID: 1\n" : "\(has)\nno\n\(has)\nno\n")
        }
        let changes = try await step.inspect(machine.context(topology))
        #expect(changes.map(\.description).first?.hasPrefix("start pgnode2, which has the newest data") == true)
        var alone = Configuration()
        alone.nodes = [NodeSettings(name: "pgnode2", port: 5002)]
        let single = TestMachine.topology(alone)
        #expect(try await RegistrationStep(topology: single).inspect(machine.context(single)).isEmpty)
    }
}
