import Shared
import Testing

@testable import GuestAgent

@Suite struct DepartureStepTests {
    private let machine = TestMachine()
    private let topology: ClusterTopology
    private let cluster: FakeCluster

    init() {
        var configuration = Configuration()
        configuration.nodes.removeLast()
        topology = TestMachine.topology(configuration)
        // With the node that the configuration does not have any more.
        cluster = FakeCluster.filled(TestMachine.topology(), on: machine)
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

    /// While a standby joins, or is away, or a setting is taken up.
    static let primaryStates = ["join_primary", "wait_primary", "apply_settings"]

    @Test(arguments: primaryStates) func aPrimaryHandsOverBeforeItLeaves(_ state: String) async throws {
        let cluster = cluster
        cluster.change {
            $0.registered = ["pgnode3", "pgnode1", "pgnode2"]
            $0.primaryState = state
        }
        let context = machine.context(topology)
        let step = DepartureStep(topology: topology)
        let changes = try await step.inspect(context)
        // What the primary is busy with has ended at the second look.
        machine.runner.on("docker", "exec") { command in
            let result = cluster.run(command)
            if command.input?.revealed.contains("json_agg") == true { cluster.change { $0.primaryState = "primary" } }
            return result
        }
        let before = machine.runner.commands.count
        try await step.apply(changes, context)
        let orders = machine.runner.commands.dropFirst(before).compactMap { command -> String? in
            let sql = command.input?.revealed ?? ""
            return ["perform_failover", "remove_node"].first { sql.contains($0) }
        }
        #expect(orders == ["perform_failover", "remove_node"])
        #expect(cluster.change { $0.registered } == ["pgnode1", "pgnode2"])
        #expect(machine.runner.saw("docker", "rm", "pgnode3"))
    }

    @Test(arguments: ["primary"] + primaryStates)
    func aPrimaryWithoutAReadySuccessorStaysInEachOfItsStates(_ state: String) async throws {
        cluster.change {
            $0.registered = ["pgnode3", "pgnode1", "pgnode2"]
            $0.maintained = ["pgnode1", "pgnode2"]
            $0.primaryState = state
        }
        let context = machine.context(topology)
        let step = DepartureStep(topology: topology)
        let error = await #expect(throws: PgafError.self) {
            try await step.apply(try await step.inspect(context), context)
        }
        #expect(error?.code == .dataWouldBeLost)
        #expect(!machine.runner.saw("docker", "update") && !machine.runner.saw("docker", "rm"))
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
