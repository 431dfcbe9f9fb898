import Shared
import Testing

@testable import GuestAgent

@Suite struct ClusterStoreTests {
    private let machine = TestMachine()
    private let topology = TestMachine.topology()

    @Test func whatWasSavedComesBack() throws {
        #expect(try machine.store.state("pgaf") == nil && machine.store.clusters.isEmpty)
        #expect(try !machine.store.isCurrent(topology, TestMachine.secrets))
        try machine.store.save(topology, TestMachine.secrets)
        #expect(try machine.store.state("pgaf") == topology.state)
        #expect(try machine.store.configuration("pgaf") == topology.configuration)
        #expect(try machine.store.secrets("pgaf") == TestMachine.secrets)
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

    @Test func removingWithoutAnEngineForgetsTheCluster() async throws {
        try machine.store.save(topology, TestMachine.secrets)
        machine.runner.lacks("docker")
        let removal = ClusterRemoval(runner: machine.runner, store: machine.store)
        #expect(try await removal.summary("pgaf").isEmpty)
        #expect(try await removal.remove("pgaf").count == 1 && machine.store.clusters.isEmpty)
    }

    @Test func workingAloneUsesTheRememberedPasswords() throws {
        let request = StandaloneRequest(store: machine.store)
        let file = machine.files.place("/pgaf.yaml")
        try machine.files.write("cluster: other\n", to: "/pgaf.yaml")
        let first = try request.make(file: file, overrides: [])
        #expect(first.configuration.cluster == "other" && first.secrets.superuser.revealed.count == 32)
        try machine.store.save(TestMachine.topology(first.configuration), TestMachine.secrets)
        let second = try request.make(file: file, overrides: ["postgres.database=app"])
        #expect(second.secrets == TestMachine.secrets && second.configuration.postgres.database == "app")
        #expect(first.run != second.run && RunIdentifier.isOne(second.run))
    }
}
