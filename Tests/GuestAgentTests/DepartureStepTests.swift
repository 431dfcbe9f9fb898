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
