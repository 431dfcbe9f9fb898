import Shared
import Synchronization
import TestSupport
import Testing

@testable import GuestAgent

/// Whole runs of `up` on a machine whose programs are scripted.
@Suite(.timeLimit(.minutes(2))) struct UpRunTests {
    private let machine = TestMachine()
    private let cluster = FakeCluster()
    private let configuration: Configuration

    init() throws {
        configuration = TestMachine.configuration()
        cluster.install(on: machine)
        try machine.becomeDebian()
    }

    private let stop = StopSign()

    private func up(
        _ configuration: Configuration? = nil, fresh: Bool = false, wait: Bool = false, bundle: Bool = false
    ) async -> Int32 {
        let request = Request(
            run: machine.events.run, configuration: configuration ?? self.configuration, secrets: TestMachine.secrets,
            options: Request.Options(fresh: fresh, wait: wait, bundle: bundle))
        return await UpRun(
            runner: machine.runner, store: machine.store, request: request, events: machine.events, stop: stop
        ).run()
    }

    private var results: [RunResult] {
        machine.written.compactMap { if case .result(let result) = $0.body { result } else { nil } }
    }

    private func outcomes(after count: Int = 0) -> [String: StepOutcome] {
        var found: [String: StepOutcome] = [:]
        for event in machine.written.dropFirst(count) {
            if case .stepFinished(let step, let outcome, _) = event.body { found[step] = outcome }
        }
        return found
    }

    @Test func fromNothingToAClusterAndASecondTime() async throws {
        cluster.change { $0.engine = false }
        #expect(await up() == 0, "\(String(describing: results.last?.error))")
        #expect(results.count == 1 && machine.written.last?.body.type == "result")
        let first = machine.written
        #expect(first.first?.body.type == "hello" && first.map(\.seq) == Array(1...first.count))
        #expect(results[0].status == .ok && results[0].warnings.isEmpty)
        // Only a running engine tells what is left of a cluster that the machine has no memory of.
        #expect(cluster.change { $0.engine })
        let made = outcomes()
        #expect(made.count == 21)
        for step in [
            "preflight", "base-image", "image", "network", "monitor", "node.pgnode1", "node.pgnode3",
        ] {
            #expect(made[step] == .changed, "\(step)")
        }
        #expect(first.contains { if case .state(let state) = $0.body { state.healthy } else { false } })

        let before = machine.runner.lines.count
        #expect(await up() == 0, "\(String(describing: results.last?.error))")
        #expect(results.count == 2 && results[1].changed == 0)
        #expect(Set(outcomes(after: first.count).values) == [.unchanged])
        let changing: Set<String> = ["run", "create", "build", "import", "start", "stop", "rm", "restart"]
        for line in machine.runner.lines.dropFirst(before) where line[0] == "docker" && line[1] != "exec" {
            #expect(changing.isDisjoint(with: line.prefix(3)), "\(line)")
        }
        #expect(!machine.runner.lines.dropFirst(before).contains { $0[0] == "apt-get" })
    }

    @Test func aBundleIsUsedForOneRunAndGoesWithIt() async throws {
        try machine.place(BundlePlace.images)
        #expect(await up(bundle: true) == 0, "\(String(describing: results.last?.error))")
        #expect(outcomes()["base-image"] == .changed && outcomes()["image"] == .unchanged)
        #expect(machine.runner.lines.count { $0.starts(with: ["docker", "load"]) } == 1)
        for words in [["docker", "build"], ["docker", "import"], ["docker", "pull"], ["unshare"], ["apt-get"]] {
            #expect(!machine.runner.lines.contains { $0.starts(with: words) }, "\(words)")
        }
        #expect(!machine.files.exists(BundlePlace.directory))
        // One that was not sent: nothing is made instead.
        cluster.change { $0.images = [:] }
        #expect(await up(bundle: true) == 78 && results.last?.error?.code == .bundleUnfit)
    }

    @Test func aBundleForAClusterFromPGDGChangesNothing() async throws {
        var configuration = self.configuration
        configuration.packages.source = .auto
        try machine.store.save(TestMachine.topology(configuration, source: .pgdg), TestMachine.secrets)
        let known = try machine.store.state(configuration.cluster)
        cluster.change { $0.volumes["pgnode1_data"] = [Label.cluster: "pgaf"] }
        try machine.place(BundlePlace.images)
        #expect(await up(configuration, bundle: true) == 78 && results.last?.error?.code == .bundleUnfit)
        #expect(try machine.store.state(configuration.cluster) == known)
        #expect(!machine.runner.lines.contains { $0.starts(with: ["docker", "load"]) })
    }

    @Test func noSecretInAnyArgumentEventOrOpenFile() async throws {
        #expect(await up() == 0)
        let secrets = TestMachine.secrets.all.map(\.revealed)
        for command in machine.runner.commands {
            let visible = ([command.executable] + command.arguments + command.environment.map { "\($0)=\($1)" })
                .joined(separator: " ")
            #expect(!secrets.contains { visible.contains($0) }, "\(command.executable) shows a secret")
            #expect(!visible.contains("SCRAM-SHA-256$"))
            #expect(!secrets.contains { (command.input?.revealed ?? "").contains($0) }, "a password reaches SQL")
        }
        for line in machine.lines { #expect(!secrets.contains { line.contains($0) }) }
        for (path, text) in machine.everything() where secrets.contains(where: { text.contains($0) }) {
            #expect(machine.mode(path) == 0o600, "\(path)")
            #expect(path.hasSuffix("/secrets.json") || path.hasSuffix("/secrets/pgpass"), "\(path)")
        }
    }

    @Test func oneContainerThatIsGoneIsMadeAgainAlone() async throws {
        #expect(await up() == 0)
        let (count, before) = (machine.written.count, machine.runner.lines.count)
        cluster.change { $0.containers["pgnode2"] = nil }
        #expect(await up() == 0, "\(String(describing: results.last?.error))")
        #expect(outcomes(after: count).filter { $0.value == .changed }.keys.sorted() == ["node.pgnode2"])
        let runs = machine.runner.lines.dropFirst(before).filter { $0.starts(with: ["docker", "run"]) }
        #expect(runs.count == 1 && runs.first?[4] == "pgnode2")
        #expect(!machine.runner.lines.dropFirst(before).contains { $0.starts(with: ["docker", "volume", "create"]) })
    }

    /// The monitor alone is left, and knows all nodes.
    @Test func aFormationWithoutAnyDataIsRefusedBeforeAnythingIsMade() async throws {
        #expect(await up() == 0)
        let before = machine.runner.lines.count
        cluster.change {
            for name in ["pgnode1", "pgnode2", "pgnode3"] {
                $0.containers[name] = nil
                $0.volumes["\(name)_data"] = nil
                $0.silent.insert(name)
            }
        }
        #expect(await up() == ErrorCode.dataWouldBeLost.exitCode)
        let error = results.last?.error
        #expect(
            error?.message == "pgnode1 cannot come back: what its volume held is gone, and no other node of the"
                + " formation has data any more.")
        #expect(error?.remedy.contains("`pgaf-host up --fresh`") == true)
        for line in machine.runner.lines.dropFirst(before) {
            #expect(!line.starts(with: ["docker", "run"]) && !line.starts(with: ["docker", "volume", "create"]))
        }
        // One volume that is there may hold all that is needed.
        cluster.change { $0.volumes["pgnode2_data"] = [Label.cluster: "pgaf", Label.node: "pgnode2"] }
        let plan = try await PlanRun(
            runner: machine.runner, store: machine.store,
            request: Request(run: "r", configuration: configuration, secrets: TestMachine.secrets)
        ).plan()
        #expect(plan.steps.first { $0.id == "node.pgnode1" }?.changes.count == 2)
        #expect(plan.steps.first { $0.id == "node.pgnode2" }?.changes == ["create container pgnode2"])
    }

    @Test func anEngineThatWasStoppedIsStartedAndNothingIsMadeAnew() async throws {
        #expect(await up() == 0)
        let (count, before) = (machine.written.count, machine.runner.lines.count)
        cluster.change { $0.engine = false }
        #expect(await up() == 0, "\(String(describing: results.last?.error))")
        #expect(outcomes(after: count).filter { $0.value == .changed }.keys.sorted() == ["docker"])
        let since = machine.runner.lines.dropFirst(before)
        #expect(!since.contains { ["run", "stop", "rm", "build", "import"].contains($0[1]) })
    }

    @Test func aFailureHasOneResultThatIsLast() async throws {
        machine.runner.on("docker", "build", status: 1, error: "E: Unable to locate package\n")
        #expect(await up() == ErrorCode.imageBuildFailed.exitCode)
        #expect(results.count == 1 && machine.written.last?.body.type == "result")
        #expect(results[0].status == .failed && results[0].error?.code == .imageBuildFailed)
        #expect(results[0].error?.output == ["E: Unable to locate package"])
        #expect(!machine.written.contains { $0.body == .stepStarted(step: "monitor") })
    }

    @Test func aMachineWithoutDockerStillHasAPlan() async throws {
        machine.runner.lacks("docker").lacks("psql").on("apt-get", status: 100, error: "offline")
        try machine.files.remove("/usr/bin/dockerd")
        #expect(await up() == ErrorCode.archiveUnreachable.exitCode)
        guard case .plan(let steps)? = machine.written.first(where: { $0.body.type == "plan" })?.body else {
            Issue.record("there is no plan: \(String(describing: results.last?.error))")
            return
        }
        #expect(steps.first { $0.id == "docker" }?.changes.first == "install docker.io, docker-cli")
        #expect(steps.first { $0.id == "node.pgnode3" }?.changes == ["create container pgnode3"])
        #expect(
            steps.filter { $0.action == .none }.map(\.id) == [
                "repositories", "registration", "departures", "restarts", "verify", "volumes",
            ])
    }

    @Test func aSecondRunAtTheSameTimeIsRefused() async throws {
        let lock = try MachineLock(store: machine.store, holder: "run X").now()
        #expect(await up() == 75)
        withExtendedLifetime(lock) {}
        #expect(results[0].error?.code == .clusterLocked && results[0].error?.message.contains("run X") == true)
        #expect(!machine.runner.saw("docker"))
    }

    @Test func whoeverWaitsForAnotherRunGetsItsTurn() async throws {
        let store = machine.store
        let held = Mutex<FileLock?>(try MachineLock(store: store, holder: "run X").now())
        let waiting = Task { await up(wait: true) }
        try await Wait(for: "the heartbeat", upTo: .seconds(30), every: .milliseconds(20), hint: "").until {
            machine.written.contains { $0.body.type == "heartbeat" } ? .found(()) : .notYet("")
        }
        #expect(!machine.runner.saw("docker"))
        held.withLock { $0 = nil }
        #expect(await waiting.value == 0, "\(String(describing: results.last?.error))")
    }

    @Test func aRaisedStopSignEndsTheRunAtTheNextStepBoundary() async throws {
        let stop = stop
        machine.runner.on("unshare") { _ in
            stop.raise()
            return CommandResult()
        }
        #expect(await up() == 130)
        #expect(results.count == 1 && results[0].status == .cancelled)
        #expect(results[0].error?.cause?.hasPrefix("not done: image, ") == true)
        #expect(outcomes()["base-image"] == .changed)
        #expect(!machine.written.contains { $0.body == .stepStarted(step: "image") })
    }

    @Test func aFreshStartRemovesWhatIsLabelledFirst() async throws {
        #expect(await up() == 0)
        machine.runner.on("docker", "ps", "--all", prints: "monitor_node\npgnode1\npgnode2\npgnode3\n").on(
            "docker", "volume", "ls", prints: "v\n"
        )
        .on("docker", "network", "ls").on("docker", "volume", "rm")
        cluster.change { $0.volumes = [:] }
        let before = machine.runner.lines.count
        #expect(await up(fresh: true) == 0, "\(String(describing: results.last?.error))")
        let lines = machine.runner.lines.dropFirst(before)
        let removal = try #require(lines.firstIndex(of: ["docker", "rm", "--force", "pgnode1"]))
        let making = try #require(lines.firstIndex { $0.starts(with: ["docker", "run"]) })
        #expect(removal < making && lines.contains(["docker", "volume", "rm", "v"]))
    }

    /// What is refused of the new cluster is refused before the old one is gone.
    @Test func aFreshStartThatCannotBeRemovesNothing() async throws {
        #expect(await up() == 0)
        machine.runner.on("docker", "ps", "--all", prints: "pgnode1\n").on("docker", "volume", "ls", prints: "v\n")
            .on("docker", "network", "ls")
        let before = machine.runner.lines.count
        var impossible = configuration
        impossible.postgres.version = 16
        #expect(await up(impossible, fresh: true) == 78)
        #expect(results.last?.error?.code == .configurationConflict)
        var dead = configuration
        dead.packages.source = .pgdg
        machine.runner.on("/usr/lib/apt/apt-helper", status: 100)
        #expect(await up(dead, fresh: true) == 69)
        #expect(results.last?.error?.code == .archiveUnreachable)
        let removals = machine.runner.lines.dropFirst(before).filter { $0[0] == "docker" && $0.contains("rm") }
        #expect(removals.isEmpty, "\(removals)")
        #expect(machine.store.clusters == [configuration.cluster])
    }

    /// The ports and the room that the old cluster has are free once it is gone.
    @Test func aFreshStartMayGiveAPortToAnotherName() async throws {
        #expect(await up() == 0)
        let port = ListeningPort()
        var renamed = configuration
        renamed.nodes[0].name = "another"
        renamed.nodes[0].port = port.number
        let arguments = #""pgaf.arguments":"[[\"--publish\",\"127.0.0.1:\#(port.number):5432\"],[],[]]""#
        machine.runner.on("docker", "ps", "--all", prints: "pgnode1\n").on("docker", "volume", "ls")
            .on("docker", "network", "ls").on("df", prints: "Avail\n1\n")
            .on(
                "docker", "container", "inspect", "pgnode1",
                prints: #"[{"Name":"/pgnode1","State":{"Status":"x","Running":true,"ExitCode":0},"#
                    + #""Config":{"Labels":{"pgaf.cluster":"\#(configuration.cluster)",\#(arguments)}}}]"#)
        _ = await up(renamed, fresh: true)
        withExtendedLifetime(port) {}
        #expect(
            machine.runner.lines.contains(["docker", "rm", "--force", "pgnode1"]),
            "\(String(describing: results.last?.error))")
    }

    /// The rehearsal may take minutes: who thinks better of it keeps the cluster.
    @Test func aFreshStartThatIsCancelledRemovesNothing() async throws {
        #expect(await up() == 0)
        machine.runner.on("docker", "ps", "--all", prints: "pgnode1\n").on("docker", "volume", "ls").on(
            "docker", "network", "ls")
        stop.raise()
        #expect(await up(fresh: true) != 0)
        #expect(results.last?.status == .cancelled)
        #expect(!machine.runner.lines.contains { $0.starts(with: ["docker", "rm"]) })
    }

    /// The remedy of a repository that does not answer is another source: the choice that failed must not stand in its way.
    @Test func aFirstUpThatFailedBindsNobody() async throws {
        cluster.change { $0.engine = false }
        var dead = configuration
        dead.packages.source = .pgdg
        machine.runner.on("/usr/lib/apt/apt-helper", status: 100).on("docker", "volume", "ls")
        #expect(await up(dead) == 69 && results.last?.error?.code == .archiveUnreachable)
        #expect(try machine.store.state(configuration.cluster)?.source == .pgdg)
        #expect(await up() == 0, "\(String(describing: results.last?.error))")
        #expect(try machine.store.state(configuration.cluster)?.source == .debian)
        machine.runner.on("docker", "volume", "ls", prints: "v\n")
        #expect(await up(dead) == 78 && results.last?.error?.code == .dataWouldBeLost)
    }
}
