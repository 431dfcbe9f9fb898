import Shared
import Synchronization
import Testing

@testable import GuestAgent

@Suite struct RepositoriesStepTests {
    private static let docker = "9DC858229FC7DD38854AE2D88D81803C0EBFCD88"
    private static let pgdg = "B97B0AFCAA1A47F044F244A07FCB7D46ACCC4CF8"
    let machine: TestMachine
    let step = RepositoriesStep()

    init() throws {
        machine = TestMachine()
        for file in [
            "/run/x", "/etc/apt/sources.list.d/x", "/usr/bin/gpg", "/etc/ssl/certs/ca-certificates.crt",
            BaseSystem.keyring,
        ] { try machine.place(file) }
        let files = machine.files
        machine.findEveryPackage()
        machine.runner.lacks("docker").lacks("psql").on("apt-get")
        machine.runner.on("/usr/lib/apt/apt-helper") { command in
            // The key is named by where it comes from.
            try files.write(command.arguments[command.arguments.count - 2], to: command.arguments.last ?? "")
            return CommandResult()
        }
        machine.runner.on("gpg") { command in
            let text = try files.read(command.arguments.last ?? "") ?? ""
            let fingerprint = text.hasSuffix("/gpg") ? Self.docker : Self.pgdg
            return CommandResult(standardOutput: "pub:-:\nfpr:::::::::\(fingerprint):\n")
        }
    }

    func context(_ change: (inout PackageSettings) -> Void = { _ in }) -> AgentContext {
        var configuration = Configuration()
        change(&configuration.packages)
        return machine.context(TestMachine.topology(configuration, source: .pgdg))
    }

    /// As on a machine on which all is installed, with the image that the cluster wants.
    private func complete() {
        let hash = context().topology.imageHash(baseIdentifier: "sha256:1")
        machine.runner.on("psql", prints: "psql 16").on("docker", "version", prints: "27.5.1\n")
            .on("docker", "image", "inspect", "--format", prints: "sha256:1\n")
            .on(
                "docker", "image", "inspect", "pgaf/pg_auto_failover:latest",
                prints: #"[{"Config":{"Labels":{"pgaf.hash":"\#(hash)"}}}]"#)
    }

    @Test func theDebianArchiveNeedsNone() async throws {
        #expect(try await step.inspect(machine.context()).isEmpty && machine.runner.lines.isEmpty)
    }

    @Test func aNewMachineGetsBothAndTheImageItsOwn() async throws {
        let context = context()
        let changes = try await step.inspect(context)
        #expect(
            changes.map(\.description) == [
                "use https://download.docker.com/linux/debian trixie on the machine, key \(Self.docker)",
                "use https://apt.postgresql.org/pub/repos/apt trixie-pgdg on the machine, key \(Self.pgdg)",
                "use registry-1.docker.io for the base image",
                "use https://apt-archive.postgresql.org/pub/repos/apt focal-pgdg-archive in the image, key \(Self.pgdg)",
            ])
        try await step.apply(changes, context)
        #expect(machine.files.list("/etc/apt/sources.list.d") == ["docker.list", "pgdg.list", "x"])
        #expect(machine.files.list("/etc/apt/keyrings") == ["docker.asc", "pgdg.asc"])
        complete()
        #expect(try await step.inspect(context).isEmpty)
    }

    /// A name that does not tell its release.
    @Test(arguments: ["ubuntu:22.04", "debian@sha256:\(String(repeating: "a", count: 64))"])
    func whatIsProvenOnlyLaterIsSaid(_ base: String) async throws {
        var configuration = Configuration()
        configuration.image.base = base
        let context = machine.context(TestMachine.topology(configuration, source: .pgdg))
        let changes = try await step.inspect(context)
        #expect(
            changes.last?.description
                == "use PGDG's repository in the image, proven once \(base) is there to tell its release")
        try await step.apply(changes, context)
        #expect(machine.files.list("/etc/apt/sources.list.d") == ["docker.list", "pgdg.list", "x"])
    }

    /// All are proven before the first is added.
    @Test func oneBadRepositoryLeavesTheMachineAsItWas() async throws {
        let context = context()
        let changes = try await step.inspect(context)
        machine.runner.on("apt-get") { command in
            let isArchive = command.arguments.contains { $0.contains("focal-pgdg-archive/sources.list") }
            return CommandResult(status: isArchive ? 100 : 0)
        }
        let error = await #expect(throws: PgafError.self) { try await step.apply(changes, context) }
        #expect(error?.code == .packagesFailed && error?.message.contains("focal-pgdg-archive") == true)
        #expect(machine.files.list("/etc/apt") == ["sources.list.d"])
        #expect(machine.files.list("/etc/apt/sources.list.d") == ["x"] && machine.files.list("/run") == ["x"])
    }

    /// All are there, those for psql too, before the first is installed.
    @Test func packagesThatCannotBeHadTakeTheRepositoriesBack() async throws {
        let context = context()
        let changes = try await step.inspect(context)
        let files = machine.files
        let added = Mutex<[String]>([])
        machine.runner.on("apt-get") { command in
            guard command.arguments.contains("--download-only") else { return CommandResult() }
            added.withLock { $0 = files.list("/etc/apt/sources.list.d") + files.list("/etc/apt/keyrings") }
            return CommandResult(status: 100, standardError: "E: Hash Sum mismatch\n")
        }
        let error = await #expect(throws: PgafError.self) { try await step.apply(changes, context) }
        let packages = "docker-ce, docker-ce-cli, containerd.io, docker-compose-plugin, docker-buildx-plugin"
        #expect(error?.message == "The packages \(packages), postgresql-client-16 could not be fetched whole.")
        #expect(added.withLock { $0 } == ["docker.list", "pgdg.list", "x", "docker.asc", "pgdg.asc"])
        #expect(machine.files.list("/etc/apt/sources.list.d") == ["x"])
        #expect(machine.files.list("/etc/apt/keyrings").isEmpty && machine.files.list("/run") == ["x"])
        #expect(!machine.runner.lines.contains { $0.contains("install") && !$0.contains("--download-only") })
    }

    /// Between adding the lists and having their packages.
    @Test func listsThatAKilledRunLeftAreProvenAnew() async throws {
        let context = context()
        for repository in context.topology.machineRepositories {
            try machine.place(repository.sourcesFile, repository.trialText)
            try machine.place(repository.keyring, "KEY")
        }
        let changes = try await step.inspect(context)
        #expect(["docker", "pgdg"].allSatisfy(changes.has))
        try await step.apply(changes, context)
        #expect(machine.runner.lines.contains { $0.contains("--download-only") })
        complete()
        #expect(try await step.inspect(context).isEmpty)
    }

    @Test func whatIsInstalledOtherwiseNeedsNoRepository() async throws {
        complete()
        #expect(try await step.inspect(context()).isEmpty)
        // Somebody's own list of that name is theirs.
        try machine.place(
            "/etc/apt/sources.list.d/docker.list", "deb https://download.docker.com/linux/debian trixie stable\n")
        #expect(try await step.inspect(context()).isEmpty)
    }

    @Test func anotherMirrorChangesTheListsThatPgafWroteAndNothingElse() async throws {
        let upstream = context()
        try await step.apply(try await step.inspect(upstream), upstream)
        complete()
        let mirrored = context { $0[.docker] = "http://m/docker" }
        let changes = try await step.inspect(mirrored)
        #expect(
            changes.map(\.description) == ["use http://m/docker/linux/debian trixie on the machine, key \(Self.docker)"]
        )
        #expect(changes.map(\.kind) == [.change])
        try await step.apply(changes, mirrored)
        #expect(try await step.inspect(mirrored).isEmpty)
        let list = try machine.files.read("/etc/apt/sources.list.d/docker.list")
        #expect(list?.contains("] http://m/docker/linux/debian trixie stable\n") == true)
        #expect(try await ImageStep().inspect(mirrored).isEmpty)
        // What is installed already is not fetched again.
        #expect(machine.runner.lines.count { $0.contains("--download-only") } == 1)
        let signed = context { $0[.pgdgKey] = String(repeating: "A", count: 40) }
        #expect(try await step.inspect(signed).contains { $0.description.hasSuffix(String(repeating: "A", count: 40)) })
    }

    @Test func aMirrorWithWhichAptDoesNotComeToItsEndLeavesTheFormerOne() async throws {
        let upstream = context()
        try await step.apply(try await step.inspect(upstream), upstream)
        complete()
        let mirrored = context { $0[.docker] = "http://m/docker" }
        let changes = try await step.inspect(mirrored)
        machine.runner.on("apt-get") { command in
            // Its own lists are in order, and then those of the machine are not.
            CommandResult(status: command.arguments.contains("Dir::Etc::SourceParts=/dev/null") ? 0 : 100)
        }
        let error = await #expect(throws: PgafError.self) { try await step.apply(changes, mirrored) }
        #expect(error?.code == .archiveUnreachable)
        #expect(try await step.inspect(upstream).isEmpty)
        #expect(machine.mode("/etc/apt/sources.list.d/docker.list") == 0o644)
    }
}
