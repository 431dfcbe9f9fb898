import Shared
import Testing

@testable import GuestAgent

@Suite struct KeptVolumesStepTests {
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
                $0.volumes["\(name)_data"] = [
                    "pgaf.cluster": "pgaf", "pgaf.role": "volume", "pgaf.node": name,
                ]
            }
        }
    }

    private func step(purge: Bool) -> KeptVolumesStep { KeptVolumesStep(topology: topology, purge: purge) }

    private var volumes: [String] { cluster.change { $0.volumes.keys.sorted() } }

    /// What a run does: looks, and applies where there is something or always.
    private func run(purge: Bool) async throws -> (changes: [String], warnings: [String]) {
        let context = machine.context(topology)
        let step = step(purge: purge)
        let changes = try await step.inspect(context)
        if !changes.isEmpty || step.always { try await step.apply(changes, context) }
        #expect(try await step.inspect(context).isEmpty)
        return (changes.map(\.description), await context.warnings.all)
    }

    @Test func theyAreToldOfAndKept() async throws {
        let (changes, warnings) = try await run(purge: false)
        #expect(changes.isEmpty)
        #expect(
            warnings == [
                "The data of pgnode3, which is no longer in the configuration, stays in the volume pgnode3_data;"
                    + " `pgaf-host up --purge` removes it, and pgnode3 takes it up again should you add it."
            ])
        #expect(volumes.count == 4)
    }

    @Test func theyAreRemovedWhenAsked() async throws {
        cluster.change { $0.volumes["older"] = ["pgaf.cluster": "pgaf", "pgaf.role": "volume"] }
        let (changes, warnings) = try await run(purge: true)
        #expect(
            changes == [
                "remove the volume older with the data of a former node, for good",
                "remove the volume pgnode3_data with the data of the former node pgnode3, for good",
            ])
        #expect(warnings.isEmpty)
        #expect(volumes == ["monitor_node_data", "pgnode1_data", "pgnode2_data"])
        let told = machine.written.compactMap {
            if case .stepOutput("volumes", let line) = $0.body { line } else { nil }
        }
        #expect(told.count == 2 && told.allSatisfy { $0.hasPrefix("removed the volume ") })
        #expect(!machine.runner.lines.contains { $0.contains("--force") })
    }

    /// Other clusters' and other people's volumes, one that was made for a node which has another one now, and one that
    /// somebody's container mounts.
    @Test func whatBelongsToSomebodyIsNeverTouched() async throws {
        cluster.change {
            $0.volumes["pgnode3_data"] = nil
            $0.volumes["foreign"] = ["pgaf.cluster": "other", "pgaf.role": "volume"]
            $0.volumes["plain"] = [:]
            $0.volumes["before"] = ["pgaf.cluster": "pgaf", "pgaf.role": "volume", "pgaf.node": "pgnode1"]
            $0.volumes["backup_data"] = ["pgaf.cluster": "pgaf", "pgaf.role": "volume"]
            $0.containers["backup"] = ContainerStatus(name: "backup", status: "exited", running: false)
        }
        let before = volumes
        #expect(try await run(purge: true).changes.isEmpty)
        #expect(try await run(purge: false).warnings.isEmpty)
        #expect(volumes == before)
    }

    @Test func aConfiguredVolumeOfAnyNameStays() async throws {
        var configuration = topology.configuration
        configuration.nodes[0].volume = "pgnode3_data"
        let step = KeptVolumesStep(topology: TestMachine.topology(configuration), purge: true)
        #expect(try await step.inspect(machine.context(topology)).isEmpty)
    }

    /// A plan, and the look before the first step, come before the node's container goes.
    @Test func theContainerOfANodeThatLeavesDoesNotHideItsVolume() async throws {
        cluster.change {
            $0.containers["pgnode3"] = ContainerStatus(
                name: "pgnode3", status: "running", running: true,
                labels: ["pgaf.cluster": "pgaf", "pgaf.role": "node"])
        }
        let changes = try await step(purge: true).inspect(machine.context(topology))
        #expect(changes.map(\.subject) == ["pgnode3_data"])
    }

    @Test func withoutAnEngineThereIsNothingToSay() async throws {
        cluster.change { $0.engine = false }
        #expect(try await step(purge: true).inspect(machine.context(topology)).isEmpty)
    }

    @Test func theyGoLast() {
        let steps = ClusterSteps.all(topology, store: machine.store, purge: true)
        #expect(steps.last?.id == "volumes" && steps.last?.dependencies == ["verify"])
    }
}
