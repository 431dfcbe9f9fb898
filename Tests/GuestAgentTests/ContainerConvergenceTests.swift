import Shared
import Synchronization
import Testing

@testable import GuestAgent

@Suite struct ContainerConvergenceTests {
    private let machine = TestMachine()
    private let topology = TestMachine.topology()

    private var node: ContainerConvergence {
        let topology = topology
        return ContainerConvergence(name: "pgnode1", files: topology.nodeFiles) {
            topology.nodeContainer(topology.configuration.nodes[0], imageHash: $0)
        }
    }

    private var wantedHash: String {
        let image = topology.imageFiles().hash(baseIdentifier: "sha256:1")
        return topology.nodeContainer(topology.configuration.nodes[0], imageHash: image).hash
    }

    private func container(_ status: String, hash: String? = nil, cluster: String = "pgaf") {
        machine.runner.on("docker", "image", "inspect", prints: "sha256:1\n").on(
            "docker", "container", "inspect", "pgnode1", prints: inspection(status, hash: hash, cluster: cluster))
    }

    /// What Docker prints of the container. One that it is about to start again is running too.
    private func inspection(_ status: String, hash: String? = nil, cluster: String = "pgaf") -> String {
        let running = ["running", "paused", "restarting"].contains(status)
        return #"[{"Name":"/pgnode1","State":{"Status":"\#(status)","Running":\#(running),"ExitCode":0},"#
            + #""Config":{"Labels":{"pgaf.cluster":"\#(cluster)","pgaf.hash":"\#(hash ?? wantedHash)"}}}]"#
    }

    /// A context with another password than the container's.
    private var rotated: AgentContext {
        var secrets = TestMachine.secrets
        secrets.monitor = Secret("another one")
        return machine.context(secrets: secrets)
    }

    private func subjects() async throws -> [String] { try await node.inspect(machine.context()).map(\.subject) }

    /// As after the run that made the container.
    private func handOver() throws {
        try node.writeFiles(machine.context())
        try node.noteSecrets(machine.context())
    }

    /// A run that was killed between writing the files and handing them over.
    @Test func secretsThatDidNotArriveAreHandedOverAgain() async throws {
        container("running")
        try node.writeFiles(machine.context())
        let changes = try await node.inspect(machine.context())
        #expect(changes.map(\.subject) == ["certificate"])
        machine.runner.on("docker", "exec")
        try await node.apply(changes, step: "node.pgnode1", machine.context())
        #expect(machine.runner.lines.contains { $0.contains("install") })
        #expect(try await subjects().isEmpty)
    }

    @Test func nothingIsThere() async throws {
        machine.runner.on("docker", status: 1)
        #expect(try await node.inspect(machine.context()) == [Change(.create, "container", "create container pgnode1")])
    }

    @Test func allIsInOrder() async throws {
        container("running")
        try handOver()
        #expect(try await subjects().isEmpty)
    }

    @Test func aStoppedContainerIsStartedAndNotMadeAnew() async throws {
        container("exited")
        try handOver()
        let changes = try await node.inspect(machine.context())
        #expect(changes.map(\.subject) == ["start"])
        machine.runner.on("docker", "update").on("docker", "start", "pgnode1")
        try await node.apply(changes, step: "node.pgnode1", machine.context())
        #expect(
            machine.runner.lines.suffix(2) == [
                ["docker", "update", "--restart", "unless-stopped", "pgnode1"], ["docker", "start", "pgnode1"],
            ])
        #expect(!machine.runner.saw("docker", "run"))
    }

    /// The network of that name is another one by now.
    @Test func aContainerWhoseNetworkIsGoneIsMadeAnewOnItsVolume() async throws {
        try dockerRefusesToStart("exited", "Error response from daemon: network 8113b5aa not found\n")
        try await node.apply(try await node.inspect(machine.context()), step: "node.pgnode1", machine.context())
        let changing = machine.runner.lines.filter { !$0.contains("inspect") }.map { $0[1] }
        #expect(changing == ["update", "start", "stop", "rm", "run"])
        // Nothing else is a reason to give up a container.
        machine.runner.on("docker", "start", "pgnode1", status: 1, error: "Error response from daemon: port is taken\n")
        let error = await #expect(throws: PgafError.self) {
            try await node.apply([Change(.change, "start", "")], step: "node.pgnode1", machine.context())
        }
        #expect(error?.code == .dockerFailed)
    }

    /// A container that has its volume and everything else as it should be, but does not start.
    private func dockerRefusesToStart(_ status: String, _ error: String) throws {
        container(status)
        try handOver()
        let labels = #"[{"Labels":{"pgaf.cluster":"pgaf","pgaf.node":"pgnode1"}}]"#
        machine.runner.on("docker", "volume", "inspect", "pgnode1_data", prints: labels).on("docker", "update")
            .on("docker", "start", "pgnode1", status: 1, error: error)
            .on("docker", "stop").on("docker", "rm").on("docker", "run")
    }

    /// What is left of an engine that was killed while it started the container.
    @Test(arguments: ["task ID: already exists", "failed to start shim: mkdir /run/moby/ID: file exists: unknown"])
    func aContainerThatCanNeverStartIsMadeAnewOnItsVolumeUnlessAProgramOfItRuns(_ words: String) async throws {
        let id = String(repeating: "13d1", count: 16)
        try dockerRefusesToStart("created", "Error response from daemon: \(words.replacing("ID", with: id))\n")
        try machine.place("/proc/5539/comm", "containerd-shim\n")
        try machine.place("/proc/5539/cmdline", "/usr/bin/containerd-shim-runc-v2\0-namespace\0moby\0-id\0\(id)\0")
        try machine.place("/proc/5541/status", "Name:\tpostgres\nPPid:\t5539\n")
        let changes = try await node.inspect(machine.context())
        let error = await #expect(throws: PgafError.self) {
            try await node.apply(changes, step: "node.pgnode1", machine.context())
        }
        #expect(error?.code == .dockerFailed && !machine.runner.saw("docker", "rm"))

        try machine.place("/proc/5541/status", "Name:\tpostgres\nPPid:\t1\n")
        try await node.apply(changes, step: "node.pgnode1", machine.context())
        #expect(machine.runner.lines.suffix(4).map { $0[1] }.contains("run") && machine.runner.saw("docker", "rm"))
    }

    @Test func anotherHashMakesItAnewOnItsVolume() async throws {
        container("running", hash: "old")
        try handOver()
        let labels = #"[{"Labels":{"pgaf.cluster":"pgaf","pgaf.node":"pgnode1"}}]"#
        machine.runner.on("docker", "volume", "inspect", "pgnode1_data", prints: labels)
        let changes = try await node.inspect(machine.context())
        #expect(changes.map(\.subject) == ["container"] && changes[0].kind == .change)
        machine.runner.on("docker", "stop").on("docker", "rm").on("docker", "run")
        try await node.apply(changes, step: "node.pgnode1", machine.context())
        let changing = machine.runner.lines.filter { !$0.contains("inspect") }
        #expect(changing.map { Array($0.prefix(2)) } == [["docker", "stop"], ["docker", "rm"], ["docker", "run"]])
        #expect(changing.last?.contains("pgaf.hash=\(wantedHash)") == true)
    }

    @Test func aPausedContainerGoesOn() async throws {
        container("paused")
        try handOver()
        let changes = try await node.inspect(machine.context())
        #expect(changes.map(\.subject) == ["unpause"])
        machine.runner.on("docker", "unpause")
        try await node.apply(changes, step: "node.pgnode1", machine.context())
        #expect(machine.runner.lines.last == ["docker", "unpause", "pgnode1"])
    }

    @Test func changedPasswordsAreHandedToTheRunningContainer() async throws {
        container("running")
        try handOver()
        let context = rotated
        let changes = try await node.inspect(context)
        #expect(changes.map(\.subject) == ["passfile"])
        machine.runner.on("docker", "exec")
        try await node.apply(changes, step: "node.pgnode1", context)
        #expect(
            machine.runner.lines.last == [
                "docker", "exec", "--user", "root", "pgnode1", "install", "-o", "postgres", "-g", "postgres", "-m",
                "0600", "/etc/pgaf-secrets/pgpass", "/run/pgaf",
            ])
        #expect(try await node.inspect(context).isEmpty)
    }

    /// Docker lets nobody into a container that it is about to start again.
    @Test func aContainerThatStartsAgainAndAgainHasItsSecretsFromItsEntrypoint() async throws {
        container("restarting")
        try handOver()
        let context = rotated
        let changes = try await node.inspect(context)
        #expect(changes.map(\.subject) == ["passfile"])
        try await node.apply(changes, step: "node.pgnode1", context)
        #expect(!machine.runner.saw("docker", "exec"))
        let file = try machine.files.read("/var/lib/pgaf/clusters/pgaf/nodes/pgnode1/secrets/pgpass")
        #expect(file?.contains("another one") == true)
        #expect(try await node.inspect(context).isEmpty)
    }

    /// It may end between the look and the deed.
    @Test func aContainerThatEndsWhileItGetsItsSecretsIsNoFailure() async throws {
        container("running")
        try handOver()
        let context = rotated
        let hasEnded = Mutex(false)
        let (running, restarting) = (inspection("running"), inspection("restarting"))
        machine.runner.on("docker", "exec") { _ in
            hasEnded.withLock { $0 = true }
            return CommandResult(status: 1, standardError: "Container 8113b5aa is restarting")
        }.on("docker", "container", "inspect", "pgnode1") { _ in
            CommandResult(standardOutput: hasEnded.withLock({ $0 }) ? restarting : running)
        }
        try await node.apply([Change(.change, "passfile", "")], step: "node.pgnode1", context)
        #expect(hasEnded.withLock { $0 })
        #expect(try await node.inspect(context).isEmpty)
        // One that goes on has refused them.
        container("running")
        let error = await #expect(throws: PgafError.self) {
            try await node.apply([Change(.change, "passfile", "")], step: "node.pgnode1", context)
        }
        #expect(error?.code == .dockerFailed)
    }

    @Test func somebodyElsesContainerIsLeftAlone() async throws {
        container("running", cluster: "other")
        let error = await #expect(throws: PgafError.self) { try await subjects() }
        #expect(error?.code == .foreignObject)
    }

    @Test func somebodyElsesVolumeIsLeftAlone() async throws {
        machine.runner.on("docker", "container", "inspect", status: 1)
            .on("docker", "image", "inspect", prints: "sha256:1\n")
            .on("docker", "volume", "inspect", prints: #"[{"Labels":null}]"#)
        let error = await #expect(throws: PgafError.self) {
            try await node.apply([Change(.create, "container", "")], step: "x", machine.context())
        }
        #expect(error?.code == .foreignObject && !machine.runner.saw("docker", "run"))
    }

    /// Two servers on one data directory would destroy it.
    @Test(arguments: [#""pgaf.node":"pgnode2","#, ""]) func anotherNodesVolumeIsRefusedBeforeAnythingIsStopped(
        _ owner: String
    ) async throws {
        machine.runner.on("docker", "container", "inspect", status: 1)
            .on("docker", "image", "inspect", prints: "sha256:1\n")
            .on("docker", "volume", "inspect", prints: #"[{"Labels":{\#(owner)"pgaf.cluster":"pgaf"}}]"#)
            .on("docker", "ps", prints: "pgnode2\n")
        let error = await #expect(throws: PgafError.self) { try await node.inspect(machine.context()) }
        #expect(error?.code == .foreignObject && error?.message.contains("has the data of pgnode2") == true)
    }

    @Test func filesOfTheContainerHaveTheirRights() throws {
        try node.writeFiles(machine.context())
        let place = "/var/lib/pgaf/clusters/pgaf/nodes/pgnode1"
        #expect(machine.mode("\(place)/etc") == 0o755 && machine.mode("\(place)/etc/pg_hba.conf") == 0o644)
        #expect(machine.mode("\(place)/secrets") == 0o700 && machine.mode("\(place)/secrets/pgpass") == 0o600)
        #expect(try node.fileDifferences(machine.context()).isEmpty)
        try machine.files.write(
            (topology.nodeFiles["pg_hba.conf"] ?? "") + "local all x trust\n", to: "\(place)/etc/pg_hba.conf")
        try machine.files.remove("\(place)/etc/postgresql.conf")
        #expect(
            try node.fileDifferences(machine.context()) == [
                "pgnode1, pg_hba.conf: - local all x trust", "pgnode1, postgresql.conf: write it, it is missing",
            ])
    }
}
