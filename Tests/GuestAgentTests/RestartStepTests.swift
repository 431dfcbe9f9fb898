import Shared
import Testing

@testable import GuestAgent

@Suite struct PendingRestartTests {
    private func pending(_ node: String, _ settings: (String, String, String?)...) -> PendingRestart {
        PendingRestart(
            node: node, settings: settings.map { PendingRestart.Setting(name: $0.0, now: $0.1, next: $0.2) })
    }

    private func order(_ pending: [PendingRestart]) -> [String] {
        var (left, order) = (pending, [String]())
        while let turn = PendingRestart.next(left, primary: "a") {
            order.append(turn.node)
            left.removeAll { $0.node == turn.node }
        }
        return order
    }

    @Test func standbysComeFirst() {
        let setting = ("shared_buffers", "32MB", "64MB")
        #expect(order([pending("a", setting), pending("b", setting), pending("c", setting)]) == ["b", "c", "a"])
        #expect(order([pending("a", setting)]) == ["a"] && order([]).isEmpty)
    }

    @Test(arguments: [("200", "100", "a"), ("100", "200", "b"), ("100", nil, "a"), ("9", "100", "b")])
    func aPrimaryThatLowersWhatItsStandbysMustHaveComesFirst(_ now: String, _ next: String?, _ first: String) {
        let setting = ("max_connections", now, next)
        #expect(order([pending("a", setting), pending("b", setting)]).first == first)
    }

    @Test func whatIsLoweredAndBindsNobodyWaitsForTheStandbys() {
        let setting = ("max_replication_slots", "20", "10")
        #expect(order([pending("a", setting), pending("b", setting)]) == ["b", "a"])
    }

    @Test func itsWordsHaveBothValues() {
        #expect(
            pending("a", ("max_connections", "100", "200"), ("port", "1", nil)).description
                == "restart PostgreSQL of a: max_connections 100 → 200, port 1 → PostgreSQL's default")
    }
}

@Suite struct RestartStepTests {
    private let machine = TestMachine()
    private let cluster: FakeCluster

    init() {
        cluster = FakeCluster(TestMachine.topology())
        cluster.install(on: machine)
        cluster.change {
            for name in ["monitor_node", "pgnode1", "pgnode2", "pgnode3"] {
                $0.containers[name] = ContainerStatus(name: name, status: "running", running: true)
            }
            $0.registered = ["pgnode1", "pgnode2", "pgnode3"]
        }
    }

    @Test func eachServerThatHoldsSomethingBackIsRestartedThePrimaryLast() async throws {
        let context = machine.context(TestMachine.topology())
        let step = RestartStep(topology: context.topology)
        #expect(try await step.inspect(context).isEmpty)
        cluster.change { memory in
            for node in ["pgnode1", "pgnode3"] { memory.heldBack[node] = [["shared_buffers", "32MB", "64MB"]] }
        }
        let changes = try await step.inspect(context)
        #expect(
            changes.map(\.description) == [
                "restart PostgreSQL of pgnode1: shared_buffers 32MB → 64MB",
                "restart PostgreSQL of pgnode3: shared_buffers 32MB → 64MB",
            ])
        try await step.apply(changes, context)
        #expect(cluster.change { $0.restarts } == ["pgnode3", "pgnode1"])
        #expect(try await step.inspect(context).isEmpty)
    }

    @Test func aServerThatWasRestartedCountsWhateverPgAutoctlReports() async throws {
        let context = machine.context(TestMachine.topology())
        let step = RestartStep(topology: context.topology)
        cluster.change {
            $0.heldBack["pgnode3"] = [["shared_buffers", "32MB", "64MB"]]
            $0.restartsAreDenied = true
        }
        try await step.apply(try await step.inspect(context), context)
        #expect(cluster.change { $0.restarts } == ["pgnode3"])
        #expect(try await step.inspect(context).isEmpty)
    }

    /// pg_autoctl refuses commands then, the one that restarts its server among them.
    @Test func aNodeWhosePgAutoctlLostItsConfigurationIsRestartedWithItsContainer() async throws {
        let context = machine.context(TestMachine.topology())
        let step = RestartStep(topology: context.topology)
        cluster.change {
            $0.lostConfigurations = ["pgnode1", "pgnode2"]
            $0.heldBack["pgnode2"] = [["shared_buffers", "32MB", "64MB"]]
        }
        let changes = try await step.inspect(context)
        #expect(
            changes.map(\.description) == [
                "restart the container pgnode1: pg_autoctl's configuration file of the node is empty",
                "restart the container pgnode2: pg_autoctl's configuration file of the node is empty,"
                    + " shared_buffers 32MB → 64MB",
            ])
        try await step.apply(changes, context)
        #expect(cluster.change { $0.restarts } == ["pgnode2", "pgnode1"])
        #expect(machine.runner.commands.count { $0.arguments.first == "restart" } == 2)
        #expect(try await step.inspect(context).isEmpty)
    }

    /// The monitor goes on believing for a while that a server which has just gone is there.
    @Test func aRestartIsOverOnlyWhenAllHaveReportedAfterIt() async throws {
        let context = machine.context(TestMachine.topology())
        let formation = SettledFormation(topology: context.topology, code: .nodeFailed)
        #expect(try await formation.wait(since: 1_763_847_109, step: "restarts", context) == "pgnode1")
        let stop = context.stop
        machine.runner.on("docker", "exec") { [cluster, machine] command in
            // Nothing new is heard; the second look ends the test's wait.
            if machine.runner.commands.count > 2 { stop.raise() }
            return cluster.run(command)
        }
        await #expect(throws: CancellationError.self) {
            _ = try await formation.wait(since: 1_763_847_110, step: "restarts", context)
        }
    }

    /// A primary that has to go down first, while nobody may take over from it.
    @Test func whoCannotGetItsCandidatePriorityBackIsTold() async throws {
        let context = machine.context(TestMachine.topology())
        let step = RestartStep(topology: context.topology)
        cluster.change { $0.heldBack["pgnode1"] = [["max_connections", "100", "90"]] }
        let changes = try await step.inspect(context)
        let stop = context.stop
        machine.runner.on("docker", "exec") { [cluster] command in
            let words = command.arguments
            // Ends the run in its wait for the server.
            if words.contains("restart") { stop.raise() }
            let isRefused = words.contains("pgnode2") && words.suffix(2) == ["candidate-priority", "50"]
            return isRefused ? CommandResult(status: 1) : cluster.run(command)
        }
        await #expect(throws: CancellationError.self) { try await step.apply(changes, context) }
        #expect(cluster.change { $0.priorities } == ["pgnode2": 0, "pgnode3": 50])
        #expect(
            await context.warnings.all == [
                "The candidate priority of pgnode2 may still be 0, with which it cannot take over: `up` sets it to 50"
                    + " again."
            ])
    }

    @Test func nobodyIsRestartedOrChangedWhileAPrimaryHandsOver() {
        let topology = TestMachine.topology()
        #expect(RestartStep(topology: topology).dependencies.contains("departures"))
        #expect(FailoverSettingsStep(topology: topology).dependencies == ["departures", "restarts"])
    }
}
