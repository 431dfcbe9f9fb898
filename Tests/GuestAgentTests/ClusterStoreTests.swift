import Shared
import Testing

@testable import GuestAgent

@Suite struct ClusterStoreTests {
    private let machine = TestMachine()
    private let topology = TestMachine.topology()

    @Test func whatWasSavedComesBack() async throws {
        #expect(try machine.store.state("pgaf") == nil && machine.store.clusters.isEmpty)
        #expect(try !machine.store.isCurrent(topology, TestMachine.secrets))
        try machine.store.save(topology, TestMachine.secrets)
        #expect(try machine.store.state("pgaf") == topology.state)
        #expect(try machine.store.configuration("pgaf") == topology.configuration)
        let passwords = machine.store.passwords("pgaf", directory: "/", environment: [:])
        #expect(try await passwords.resolve(PasswordSettings(), missing: .refused) == TestMachine.secrets)
        #expect(try machine.store.isCurrent(topology, TestMachine.secrets))
        #expect(machine.store.clusters == ["pgaf"])
        try machine.store.remove("pgaf")
        #expect(machine.store.clusters.isEmpty)
    }

    @Test func everythingIsRootsAlone() throws {
        try machine.store.save(topology, TestMachine.secrets)
        for name in ["state.json", "configuration.json", "secrets.json"] {
            #expect(machine.mode("/var/lib/pgaf/clusters/pgaf/\(name)") == 0o600, "\(name)")
        }
        #expect(machine.mode("/var/lib/pgaf/clusters/pgaf") == 0o700 && machine.mode("/var/lib/pgaf") == 0o700)
    }

    @Test func anythingElseIsNotCurrent() throws {
        try machine.store.save(topology, TestMachine.secrets)
        var secrets = TestMachine.secrets
        secrets.client = Secret("another one")
        #expect(try !machine.store.isCurrent(topology, secrets))
        var configuration = Configuration()
        configuration.postgres.database = "other"
        #expect(try !machine.store.isCurrent(TestMachine.topology(configuration), TestMachine.secrets))
        #expect(try !machine.store.isCurrent(TestMachine.topology(source: .pgdg), TestMachine.secrets))
    }

    @Test(arguments: ["", "{", "[]", "{\"source\":\"elsewhere\"}", "{\"subnet\":\"172.30.7.9/24\"}"])
    func aDamagedFileIsAnErrorWithARemedy(_ text: String) throws {
        try machine.place("/var/lib/pgaf/clusters/pgaf/state.json", text)
        let error = #expect(throws: PgafError.self) { try machine.store.state("pgaf") }
        #expect(error?.code == .fileFailed && error?.remedy.contains("Move the file away") == true)
        #expect(error?.message.contains("/var/lib/pgaf/clusters/pgaf/state.json") == true)
    }

    @Test func theJournalGrowsLineByLine() throws {
        let event = Event(run: "r1", seq: 1, time: "", body: .stepStarted(step: "s"))
        let last = Event(run: "r1", seq: 2, time: "", body: .result(RunResult(status: .ok)))
        let journal = try Journal(directory: "\(machine.store.root)/runs/r1", files: machine.files, durable: true)
        try journal.append("one", event)
        try journal.append("two", last)
        #expect(try machine.files.read("/var/lib/pgaf/runs/r1/events.jsonl") == "one\ntwo\n")
        #expect(machine.mode("/var/lib/pgaf/runs/r1/events.jsonl") == 0o600)
        #expect(machine.mode("/var/lib/pgaf/runs/r1") == 0o700)
        try Journal(directory: "\(machine.store.root)/runs/r1", files: machine.files, durable: true).append(
            "three", event)
        #expect(try machine.files.read("/var/lib/pgaf/runs/r1/events.jsonl") == "one\ntwo\nthree\n")
    }

    @Test func aJournalThatCannotBeWrittenIsAnError() throws {
        try machine.place("/var/lib/pgaf/runs/r1/events.jsonl/x")
        let error = #expect(throws: PgafError.self) {
            try Journal(directory: "\(machine.store.root)/runs/r1", files: machine.files, durable: true)
        }
        #expect(error?.code == .fileFailed)
    }

    @Test func removingTakesOnlyWhatIsLabelled() async throws {
        try machine.store.save(topology, TestMachine.secrets)
        machine.runner.on("docker", "version", prints: "27.5.1\n").on("docker", "ps", prints: "pgnode1\n")
            .on("docker", "volume", "ls", prints: "pgnode1_data\n").on("docker", "network", "ls")
            .on("docker", "rm").on("docker", "volume", "rm")
        let removal = ClusterRemoval(runner: machine.runner, store: machine.store)
        #expect(try await removal.summary("pgaf") == ["container pgnode1", "volume pgnode1_data"])
        #expect(try await removal.remove("pgaf").count == 3)
        let removed = machine.runner.lines.filter { $0.contains("rm") }
        #expect(removed == [["docker", "rm", "--force", "pgnode1"], ["docker", "volume", "rm", "pgnode1_data"]])
        #expect(machine.store.clusters.isEmpty)
    }

    @Test func removingIsRefusedWhileSomebodyElseUsesTheNetwork() async throws {
        try machine.store.save(topology, TestMachine.secrets)
        machine.runner.on("docker", "version", prints: "27.5.1\n").on("docker", "ps", prints: "pgnode1\npgnode2\n")
            .on("docker", "volume", "ls").on("docker", "network", "ls", prints: "net\n")
            .on("docker", "network", "inspect", prints: "pooler\npgnode1\n\n")
        let removal = ClusterRemoval(runner: machine.runner, store: machine.store)
        let error = await #expect(throws: PgafError.self) { try await removal.remove("pgaf") }
        #expect(error?.code == .foreignObject && error?.message.contains("network net: pooler. Nothing") == true)
        #expect(error?.remedy.contains("`docker network disconnect net NAME`") == true)
        #expect(!machine.runner.lines.contains { $0.contains("rm") } && machine.store.clusters == ["pgaf"])
        machine.runner.on("docker", "network", "inspect", prints: "pgnode2\npgnode1\n\n").on("docker", "rm")
            .on("docker", "network", "rm")
        #expect(try await removal.remove("pgaf").count == 4)
    }

    /// Who writes into root's memory of a cluster decides what root does.
    @Test(arguments: [("state.json", UInt16(0o620)), ("configuration.json", 0o602)])
    func aMemoryThatOthersMayWriteIsRefused(_ name: String, _ mode: UInt16) throws {
        try machine.store.save(topology, TestMachine.secrets)
        let path = "\(machine.store.directory("pgaf"))/\(name)"
        try machine.files.write(try #require(try machine.files.read(path)), to: path, mode: mode)
        let error = #expect(throws: PgafError.self) {
            _ = try (machine.store.state("pgaf"), machine.store.configuration("pgaf"))
        }
        #expect(error?.code == .fileUnsafe && error?.message.contains(name) == true && error?.code.exitCode == 77)
    }

    @Test func removingWithoutAnEngineForgetsTheCluster() async throws {
        try machine.store.save(topology, TestMachine.secrets)
        machine.runner.lacks("docker")
        let removal = ClusterRemoval(runner: machine.runner, store: machine.store)
        #expect(try await removal.summary("pgaf").isEmpty)
        #expect(try await removal.remove("pgaf").count == 1 && machine.store.clusters.isEmpty)
    }

    /// An engine that was only stopped would bring back containers whose passwords nobody knows any more.
    @Test func removingStartsAnEngineThatIsStopped() async throws {
        try machine.store.save(topology, TestMachine.secrets)
        try machine.place("/usr/sbin/dockerd")
        let runner = machine.runner
        runner.on("docker", "version") { _ in
            runner.saw("env") ? CommandResult(status: 0, standardOutput: "27.5.1\n") : CommandResult(status: 1)
        }
        runner.on("env").on("docker", "ps", prints: "pgnode1\n").on("docker", "volume", "ls").on(
            "docker", "network", "ls")
        let removal = ClusterRemoval(runner: machine.runner, store: machine.store)
        #expect(try await removal.summary("pgaf") == ["container pgnode1"])
        #expect(machine.runner.lines.contains { $0.suffix(3) == ["service", "docker", "start"] })
    }

    @Test func anEngineThatDoesNotStartKeepsTheMemory() async throws {
        try machine.store.save(topology, TestMachine.secrets)
        try machine.place("/usr/sbin/dockerd")
        try machine.place("/run/systemd/system/x")
        machine.runner.on("docker", "version", status: 1).on("systemctl", status: 1)
        let removal = ClusterRemoval(runner: machine.runner, store: machine.store)
        let error = await #expect(throws: PgafError.self) { try await removal.remove("pgaf") }
        #expect(error?.code == .dockerUnavailable && machine.store.clusters == ["pgaf"])
    }

    private func alone(_ file: String, _ settings: String...) throws -> StandaloneOptions {
        try StandaloneOptions.parse(["--config", file] + settings.flatMap { ["--set", $0] })
    }

    @Test func workingAloneUsesTheRememberedPasswords() async throws {
        let request = StandaloneRequest(store: machine.store, environment: [:], directory: "/")
        let file = machine.files.place("/pgaf.yaml")
        try machine.files.write("cluster: other\n", to: "/pgaf.yaml")
        let first = try await request.make(alone(file))
        #expect(first.configuration.cluster == "other" && first.secrets.superuser.revealed.count == 32)
        try machine.store.save(TestMachine.topology(first.configuration), TestMachine.secrets)
        let second = try await request.make(alone(file, "postgres.database=app"))
        #expect(second.secrets == TestMachine.secrets && second.configuration.postgres.database == "app")
        #expect(first.run != second.run && RunIdentifier.isOne(second.run))
    }

    @Test func workingAloneTakesPasswordsFromWhereTheFileSays() async throws {
        try machine.files.write(
            "passwords: {superuser: \"env:PW\", monitor: \"file:pw\", client: \"file:/etc/pw\"}\n", to: "/pgaf.yaml")
        try machine.place("/home/me/pw", "from a file\n")
        try machine.place("/etc/pw", "from another")
        let request = StandaloneRequest(
            store: machine.store, environment: ["PW": "from the environment"], directory: "/home/me")
        let file = machine.files.place("/pgaf.yaml")
        let first = try await request.make(alone(file))
        #expect(first.secrets.superuser.revealed == "from the environment")
        #expect(first.secrets.monitor.revealed == "from a file" && first.secrets.client.revealed == "from another")
        #expect(first.secrets.replication.revealed.count == 32)
        // Nothing is remembered before the run has the machine for itself.
        #expect(machine.store.clusters.isEmpty && !machine.files.exists("/var/lib/pgaf"))
        try machine.store.save(TestMachine.topology(first.configuration), first.secrets)
        let second = try await request.make(alone(file, "passwords.client=generate"))
        #expect(second.secrets == first.secrets)
        let bare = StandaloneRequest(store: machine.store, environment: [:], directory: "/home/me")
        let error = await #expect(throws: PgafError.self) { try await bare.make(alone(file)) }
        #expect(error?.code == .secretUnavailable && error?.message.contains("$PW") == true)
        #expect(error?.remedy.contains("--preserve-env=PW") == true)
    }
}
