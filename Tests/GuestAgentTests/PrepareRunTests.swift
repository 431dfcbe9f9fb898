import Foundation
import Shared
import Testing

@testable import GuestAgent

/// Runs of `prepare` on a machine whose programs are scripted.
@Suite(.timeLimit(.minutes(2))) struct PrepareRunTests {
    private let machine = TestMachine()
    private let cluster = FakeCluster()
    private let configuration: Configuration

    init() throws {
        var configuration = Configuration()
        configuration.packages.source = .debian
        self.configuration = configuration
        cluster.install(on: machine)
        try machine.place("/etc/os-release", "ID=debian\nVERSION_CODENAME=trixie\nPRETTY_NAME=\"Debian 13\"\n")
        try machine.place("/proc/meminfo", "MemTotal: 6291456 kB\n")
    }

    private func prepare() async -> Int32 {
        await PrepareRun(
            runner: machine.runner, store: machine.store, configuration: configuration, events: machine.events
        ).run()
    }

    private var outcomes: [String: StepOutcome] {
        var found: [String: StepOutcome] = [:]
        for event in machine.written {
            if case .stepFinished(let step, let outcome, _) = event.body { found[step] = outcome }
        }
        return found
    }

    @Test func makesTheImagesAndLeavesNoClusterBehind() async throws {
        #expect(await prepare() == 0)
        #expect(
            outcomes == ["repositories": .unchanged, "docker": .unchanged, "base-image": .changed, "image": .changed])
        #expect(machine.written.first?.body.type == "hello")
        #expect(machine.written.last?.body == .result(RunResult(status: .ok, changed: 2)))
        #expect(machine.store.clusters.isEmpty && machine.files.list("/var/lib/pgaf").isEmpty)
        #expect(!machine.runner.saw("docker", "run") && !machine.runner.saw("docker", "network", "create"))
        #expect(!machine.runner.lines.contains { $0.contains("--network") })

        #expect(await prepare() == 0)
        #expect(Set(outcomes.values) == [.unchanged])
    }

    /// What `prepare` has made `up` takes for its own.
    @Test func whatItMadeIsCurrentForACluster() async throws {
        #expect(await prepare() == 0)
        let context = machine.context(TestMachine.topology(configuration))
        #expect(try await BaseImageStep().inspect(context).isEmpty)
        #expect(try await ImageStep().inspect(context).isEmpty)
    }

    @Test func anEngineWithoutABridgeBuildsInTheMachinesOwnNetwork() async throws {
        cluster.change { $0.networks = [:] }
        #expect(await prepare() == 0)
        let build = try #require(machine.runner.lines.first { $0.starts(with: ["docker", "build"]) })
        #expect(zip(build, build.dropFirst()).contains { $0 == ("--network", "host") })
    }

    @Test func aFailureIsTold() async {
        machine.runner.on("docker", "build", status: 1, error: "E: Unable to locate package\n")
        #expect(await prepare() == ErrorCode.imageBuildFailed.exitCode)
        guard case .result(let result)? = machine.written.last?.body else {
            Issue.record("there is no result")
            return
        }
        #expect(result.status == .failed && result.error?.code == .imageBuildFailed)
    }

    @Test func theInputsFollowWhatTheImagesAreMadeFrom() throws {
        let inputs = try PrepareRun.inputs(configuration)
        #expect(inputs.utf8.count == 64)
        #expect(try PrepareRun.inputs(configuration) == inputs)
        var other = configuration
        other.nodes = []
        #expect(try PrepareRun.inputs(other) == inputs, "a cluster's size does not change its image")
        other.postgres.packages = ["postgresql-%v-cron"]
        #expect(try PrepareRun.inputs(other) != inputs)
        other = configuration
        other.image.tag = "other"
        #expect(try PrepareRun.inputs(other) != inputs)
        other.packages.source = .auto
        let error = #expect(throws: PgafError.self) { try PrepareRun.inputs(other) }
        #expect(error?.code == .usage)
    }
}
