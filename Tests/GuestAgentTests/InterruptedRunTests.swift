import Shared
import Testing

@testable import GuestAgent

/// What a run has taken away that was killed before it gave it back, in a cluster that runs.
@Suite struct InterruptedRunTests {
    private let machine = TestMachine()
    private let topology = TestMachine.topology()
    private let cluster: FakeCluster

    init() { cluster = FakeCluster.filled(topology, on: machine) }

    /// A departure that has begun; then the node was put back into the configuration.
    @Test func dockerStartsANodeAgainThatStaysAfterAll() async throws {
        cluster.change {
            for name in ["pgnode2", "pgnode3"] { $0.containers[name]?.restartPolicy = "no" }
            $0.containers["pgnode3"]?.running = false
        }
        machine.runner.on("docker", "update", "--restart", "unless-stopped", "pgnode2") { [cluster] _ in
            cluster.change { $0.containers["pgnode2"]?.restartPolicy = "unless-stopped" }
            return CommandResult()
        }
        let context = machine.context(topology)
        let step = DepartureStep(topology: topology)
        let changes = try await step.inspect(context)
        #expect(
            changes.map(\.description)
                == ["let Docker start pgnode2 again by itself: it stays in the formation after all"])
        try await step.apply(changes, context)
        #expect(try await step.inspect(context).isEmpty)
        for deed in ["stop", "rm", "start"] { #expect(!machine.runner.saw("docker", deed)) }
    }

    /// A restart of the primary, for which the others were no candidates.
    @Test func aFormationWithoutSuccessorsIsNotHealthyUntilUpGivesThePrioritiesBack() async throws {
        cluster.change { $0.priorities = ["pgnode2": 0, "pgnode3": 0] }
        let reader = FormationReader(runner: machine.runner, files: machine.files, topology: topology)
        let state = try #require(try await reader.read())
        #expect(!state.healthy && state.notes.count == 1, "\(state.notes)")
        #expect(state.awaited?.map(\.command) == ["pgaf-host up", "pgaf-host up"])
        // `start` brings back what was there.
        var starting = reader
        starting.excusesMaintenance = true
        #expect(try await starting.read()?.healthy == true)
        cluster.change { $0.priorities = ["pgnode2": 0] }
        #expect(try await reader.read()?.healthy == true)
    }
}
