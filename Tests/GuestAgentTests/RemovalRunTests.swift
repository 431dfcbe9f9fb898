import Shared
import Testing

@testable import GuestAgent

@Suite struct RemovalRunTests {
    private let ready: ReadyCluster

    init() async throws { ready = try await ReadyCluster() }

    /// Removes the cluster.
    ///
    /// - Returns: what it came to, and Docker's words for what was removed.
    private func remove(stop: StopSign = StopSign()) async throws -> (result: RunResult, deeds: [String]) {
        let runner = ready.machine.runner
        let before = runner.commands.count
        let request = Request(
            run: "20261122T213149123Z-4f0a9c22", configuration: ready.configuration, secrets: TestMachine.secrets,
            clusterOrder: .down)
        let status = await RemovalRun(
            runner: runner, store: ready.machine.store, request: request, events: ready.machine.events, stop: stop
        ).run()
        let result = try #require(ready.result)
        #expect(status == result.error?.code.exitCode ?? 0)
        let removals = runner.commands.dropFirst(before).map { $0.arguments.joined(separator: " ") }
            .filter { ["rm ", "volume rm ", "network rm "].contains(where: $0.hasPrefix) }
        return (result, removals)
    }

    /// Docker has a container, a volume and a network with the cluster's label until they are removed.
    private func dockerHasOneOfEach() {
        let runner = ready.machine.runner
        func name(_ name: String, until removal: String...) -> ScriptedRunner.Answer {
            { _ in
                let isGone = runner.lines.contains(["docker"] + removal + [name])
                return CommandResult(standardOutput: isGone ? "" : "\(name)\n")
            }
        }
        runner.on("docker", "ps", answer: name("pgnode1", until: "rm", "--force"))
            .on("docker", "network", "inspect", answer: name("pgnode1", until: "rm", "--force"))
            .on("docker", "volume", "ls", answer: name("pgnode1_data", until: "volume", "rm"))
            .on("docker", "network", "ls", answer: name("net", until: "network", "rm"))
            .on("docker", "rm").on("docker", "volume", "rm").on("docker", "network", "rm")
    }

    private static let memory = "the memory of the cluster \"pgaf\" with its passwords"

    @Test func containersVolumesNetworksAndTheMemoryGoInThisOrder() async throws {
        dockerHasOneOfEach()
        let (result, deeds) = try await remove()
        #expect(deeds == ["rm --force pgnode1", "volume rm pgnode1_data", "network rm net"])
        #expect(
            result
                == RunResult(
                    status: .ok, changed: 4,
                    cluster: ClusterChange(
                        removed: ["container pgnode1", "volume pgnode1_data", "network net", Self.memory])))
        #expect(ready.planned == ["remove.containers", "remove.volumes", "remove.networks", "remove.memory"])
        #expect(ready.machine.store.clusters.isEmpty)

        let (again, nothing) = try await remove()
        #expect(again == RunResult(status: .ok, cluster: ClusterChange(removed: [])) && nothing.isEmpty)
    }

    /// As after a kill: the containers are gone, the rest is not.
    @Test func aRemovalThatWasCutOffIsGoneOnWith() async throws {
        dockerHasOneOfEach()
        let stop = StopSign()
        ready.machine.runner.on("docker", "rm") { _ in
            stop.raise()
            return CommandResult()
        }
        let (cancelled, first) = try await remove(stop: stop)
        #expect(first == ["rm --force pgnode1"] && cancelled.status == .cancelled)
        #expect(cancelled.error?.remedy == "Run `down` to go on where it stopped.")
        #expect(cancelled.error?.cause == "not done: remove.volumes, remove.networks, remove.memory")
        #expect(ready.machine.store.clusters == ["pgaf"])

        let (result, rest) = try await remove()
        #expect(result.status == .ok && rest == ["volume rm pgnode1_data", "network rm net"])
        #expect(ready.machine.store.clusters.isEmpty)
    }

    @Test func whatDockerDoesNotRemoveIsToldAndRemembered() async throws {
        dockerHasOneOfEach()
        ready.machine.runner.on("docker", "volume", "rm", status: 1, error: "volume is in use\n")
        let (result, deeds) = try await remove()
        #expect(result.status == .failed && result.error?.code == .dockerFailed)
        #expect(deeds == ["rm --force pgnode1", "volume rm pgnode1_data"])
        #expect(ready.machine.store.clusters == ["pgaf"])
    }

    @Test func aGuestInTheNetworkKeepsEverythingWhereItIs() async throws {
        dockerHasOneOfEach()
        ready.machine.runner.on("docker", "network", "inspect", prints: "pooler\npgnode1\n")
        let (result, deeds) = try await remove()
        #expect(result.error?.code == .foreignObject && deeds.isEmpty)
        #expect(ready.machine.store.clusters == ["pgaf"])
    }

    /// What cannot be read is removed all the same.
    @Test func aDamagedMemoryIsNoReasonToKeepACluster() async throws {
        dockerHasOneOfEach()
        try ready.machine.files.write("{", to: "\(ready.machine.store.directory("pgaf"))/state.json")
        #expect(try await remove().result.status == .ok)
        #expect(ready.machine.store.clusters.isEmpty)
    }
}
