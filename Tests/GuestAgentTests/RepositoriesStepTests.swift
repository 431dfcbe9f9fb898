import Shared
import Synchronization
import Testing

@testable import GuestAgent

@Suite struct RepositoriesStepTests {
    private static let docker = "9DC858229FC7DD38854AE2D88D81803C0EBFCD88"
    private static let pgdg = "B97B0AFCAA1A47F044F244A07FCB7D46ACCC4CF8"
    private let machine: TestMachine
    private let step = RepositoriesStep()

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

    private func context(_ change: (inout PackageSettings) -> Void = { _ in }) -> AgentContext {
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

    @Test func aMirrorOfTheDebianArchiveIsProvenBeforeAnythingElse() async throws {
        let context = archiveContext()
        let changes = try await step.inspect(context)
        #expect(changes.map(\.description) == ["use http://mirror.example/debian trixie for the images"])
        let files = machine.files
        machine.runner.on("apt-get") { command in
            #expect(command.arguments.last == "update")
            let list = try files.read("/run/pgaf-repository-debian-trixie/sources.list")
            #expect(list == BaseSystem.source("http://mirror.example/debian", "trixie") + "\n")
            return CommandResult()
        }
        let before = machine.runner.lines.count
        try await step.apply(changes, context)
        let lines = machine.runner.lines.dropFirst(before)
        #expect(lines.map(\.first) == ["/usr/lib/apt/apt-helper", "apt-get", "apt-cache"])
        #expect(lines.first?.contains("http://mirror.example/debian/dists/trixie/InRelease") == true)
        #expect(
            lines.last?.suffix(3) == ["postgresql-17", "postgresql-17-auto-failover", "postgresql-17-pglogical"])
        machine.runner.on("/usr/lib/apt/apt-helper", status: 100)
        let error = await #expect(throws: PgafError.self) { try await step.apply(changes, context) }
        #expect(error?.code == .archiveUnreachable && error?.remedy.contains("packages.mirrors.debian") == true)
        #expect(machine.files.list("/run") == ["x"])
    }

    private func archiveContext() -> AgentContext {
        var configuration = Configuration()
        configuration.packages[.debian] = "http://mirror.example/debian"
        return machine.context(TestMachine.topology(configuration))
    }

    /// What the machine's apt says of its lists, of its packages, and of a certificate.
    @Test func aWrongMirrorOfTheDebianArchiveIsToldBeforeAnythingIsInstalled() async throws {
        let context = archiveContext()
        let changes = try await step.inspect(context)
        func refusal() async -> PgafError? {
            let error = await #expect(throws: PgafError.self) { try await step.apply(changes, context) }
            #expect(error?.code == .packagesFailed && error?.remedy.contains("packages.mirrors.debian ") == true)
            #expect(machine.files.list("/run") == ["x"])
            #expect(!machine.runner.lines.contains { $0.contains("install") })
            return error
        }
        machine.runner.on("apt-cache")
        #expect(
            await refusal()?.message.contains(
                "has no postgresql-17, postgresql-17-auto-failover, postgresql-17-pglogical in") == true)
        machine.runner.on("apt-get", status: 100, error: "E: The repository is not signed.\n")
        let unsigned = await refusal()
        #expect(unsigned?.message.contains("is damaged, expired, or not signed by Debian's own keys") == true)
        #expect(unsigned?.output == ["E: The repository is not signed."])
        machine.runner.on("/usr/lib/apt/apt-helper", status: 100, error: "E: certificate verify failed\n")
        #expect(await refusal()?.message.contains("does not trust the certificate behind http://mirror") == true)
    }

    /// Ubuntu has them not.
    @Test func debiansKeysAreInstalledWhereTheyAreMissing() async throws {
        try machine.files.remove(BaseSystem.keyring)
        let context = archiveContext()
        try await step.apply(try await step.inspect(context), context)
        let installed = machine.runner.lines.first { $0.contains("install") }
        #expect(installed?.suffix(2) == ["ca-certificates", "debian-archive-keyring"])
    }

    /// A box has the base image, and what is installed in it comes from the mirror.
    @Test func aMirrorOfTheDebianArchiveIsProvenForTheNodesImageToo() async throws {
        try machine.place(BaseSystem.prepared)
        #expect(try await step.inspect(archiveContext()).count == 1)
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

    @Test func aRegistryThatDoesNotAnswerIsToldBeforeAnythingIsAdded() async throws {
        let context = context { $0[.registry] = "registry.example:5000" }
        let changes = try await step.inspect(context)
        #expect(changes.map(\.description).contains("use registry.example:5000 for the base image"))
        let asked = Mutex<[String]>([])
        machine.runner.on("/usr/lib/apt/apt-helper") { command in
            asked.withLock { $0.append(command.arguments[command.arguments.count - 2]) }
            return CommandResult(status: 100, standardError: "E: Could not connect to registry.example\n")
        }
        let error = await #expect(throws: PgafError.self) { try await step.apply(changes, context) }
        #expect(error?.code == .archiveUnreachable && error?.message.contains("registry.example:5000") == true)
        #expect(error?.remedy.contains("packages.mirrors.registry") == true)
        #expect(asked.withLock { $0 } == ["https://registry.example:5000/v2/"])
        #expect(machine.files.list("/etc/apt/sources.list.d") == ["x"] && machine.files.list("/run") == ["x"])
    }

    @Test func theRegistryOfABaseImageOfOnesOwnIsAskedForTheSourceDebianToo() async throws {
        var configuration = Configuration()
        configuration.image.base = "registry.example/own:trixie"
        let changes = try await step.inspect(machine.context(TestMachine.topology(configuration)))
        #expect(changes.map(\.description) == ["use registry.example for the base image"])
    }

    /// Plain HTTP and a certificate of somebody's own, in the words of apt 2.6 and 3.0.
    private static let distrust = [
        "E: Failed to fetch https://registry.example:5000/v2/  Could not handshake: An unexpected TLS packet was"
            + " received. [IP: 192.0.2.1 5000]",
        "E: Failed to fetch https://registry.example:5000/v2/  Certificate verification failed: The certificate is NOT"
            + " trusted.  Could not handshake: Error in the certificate verification. [IP: 192.0.2.1 5000]",
        "E: SSL connection failed: error:0A00010B:SSL routines::wrong version number / Success",
        "E: SSL connection failed: error:0A000086:SSL routines::certificate verify failed / Success",
    ]

    @Test(arguments: distrust)
    func aRegistryThatDockerWouldNotTrustIsToldBeforeAnythingIsAdded(_ words: String) async throws {
        let context = context { $0[.registry] = "registry.example:5000" }
        let changes = try await step.inspect(context)
        let probe = RegistryProbe(context.topology, machine.runner, machine.files)
        machine.runner.on("/usr/lib/apt/apt-helper", status: 100, error: words + "\n")
        let error = await #expect(throws: PgafError.self) { try await step.apply(changes, context) }
        #expect(error?.code == .packagesFailed && error?.output == [words])
        #expect(error?.message.contains("registry.example:5000 of the base image speaks no TLS that") == true)
        for remedy in ["/etc/docker/certs.d/registry.example:5000/ca.crt", "insecure-registries"] {
            #expect(error?.remedy.contains(remedy) == true)
        }
        #expect(machine.files.list("/etc/apt/sources.list.d") == ["x"] && machine.files.list("/run") == ["x"])
        // What Docker has been told, an engine that is installed will do.
        try machine.place("/etc/docker/daemon.json", #"{"insecure-registries": ["registry.example:5000"]}"#)
        try await probe.prove()
        try machine.place("/etc/docker/daemon.json", "{}")
        await #expect(throws: PgafError.self) { try await probe.prove() }
        try machine.place("/etc/docker/certs.d/registry.example:5000/ca.crt")
        try await probe.prove()
    }

    /// As the engine that pgaf installs will ask it.
    @Test(arguments: [("registry.example:5000", true), ("127.0.0.1:5000", false), ("localhost:5000", false)])
    func theRegistryIsAskedThroughTheProxyButForOneOnLoopback(_ registry: String, _ isProxied: Bool) async throws {
        let context = context {
            $0[.registry] = registry
            $0[.proxy] = "http://p:1"
        }
        try await RegistryProbe(context.topology, machine.runner, machine.files).prove()
        #expect(machine.runner.lines.count == 2)
        for line in machine.runner.lines { #expect(line.contains("Acquire::https::Proxy=http://p:1") == isProxied) }
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

    /// What apt's helper says of a registry's answer to the question for the image; nothing of what it could fetch.
    private func answer(_ status: String?) async throws -> (error: PgafError?, asked: [Command]) {
        let context = context { $0[.registry] = "registry.example:5000/hub" }
        let changes = try await step.inspect(context)
        let files = machine.files
        let asked = Mutex<[Command]>([])
        machine.runner.on("/usr/lib/apt/apt-helper") { command in
            let address = command.arguments[command.arguments.count - 2]
            if address.contains("/v2/") { asked.withLock { $0.append(command) } }
            if let status, address.contains("/manifests/") {
                return CommandResult(
                    status: 100,
                    standardError: "E: Failed to fetch \(address)  \(status) [IP: 192.0.2.1 5000]\n"
                        + "E: Download Failed\n")
            }
            try files.write(address, to: command.arguments.last ?? "")
            return CommandResult()
        }
        do {
            try await step.apply(changes, context)
            return (nil, asked.withLock { $0 })
        } catch let error as PgafError {
            return (error, asked.withLock { $0 })
        }
    }

    @Test func anImageThatTheRegistryDoesNotHaveIsToldBeforeAnythingIsAdded() async throws {
        let (error, asked) = try await answer("404  Not Found")
        #expect(error?.code == .packagesFailed)
        #expect(
            error?.message == "The registry registry.example:5000 has no base image hub/library/ubuntu, focal.")
        for words in ["image.base", "ubuntu:focal", "packages.mirrors.registry"] {
            #expect(error?.remedy.contains(words) == true)
        }
        #expect(
            asked.map { $0.arguments[$0.arguments.count - 2] } == [
                "https://registry.example:5000/v2/",
                "https://registry.example:5000/v2/hub/library/ubuntu/manifests/focal",
            ])
        #expect(asked.map { command in command.arguments.contains { $0.contains("Accept: ") } } == [false, true])
        let header = asked.last?.arguments.first { $0.contains("Accept: ") } ?? ""
        #expect(["manifest.list.v2+json", "image.index.v1+json"].allSatisfy(header.contains))
        #expect(machine.files.list("/etc/apt/sources.list.d") == ["x"] && machine.files.list("/run") == ["x"])
    }

    /// That it wants a token, or anything else, is for Docker to say.
    @Test(arguments: [nil, "401  Unauthorized", "403  Forbidden", "429  Too Many Requests", "500  Oops"])
    func anyOtherAnswerIsNoObstacle(_ status: String?) async throws {
        let (error, asked) = try await answer(status)
        #expect(error == nil && asked.count == 2, "\(String(describing: error))")
        #expect(machine.files.list("/etc/apt/sources.list.d") == ["docker.list", "pgdg.list", "x"])
        #expect(machine.files.list("/run") == ["x"])
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

@Suite struct ImageRepositoryTests {
    private let machine = TestMachine()

    private func build(_ release: String) async throws -> [String: String] {
        for file in ["/run/x", "/var/lib/pgaf/x", "/usr/bin/gpg", "/etc/ssl/certs/ca-certificates.crt"] {
            try machine.place(file)
        }
        let files = machine.files
        machine.findEveryPackage()
        machine.runner.on("docker", "image", "inspect", "--format", prints: "sha256:1\n")
            .on("docker", "network", "inspect", "bridge", prints: #"[{"Labels":{}}]"#)
            .on("docker", "run", "--rm", prints: release).on("apt-get")
            .on("gpg", prints: "pub:-:\nfpr:::::::::B97B0AFCAA1A47F044F244A07FCB7D46ACCC4CF8:\n")
            .on("/usr/lib/apt/apt-helper") { command in
                try files.write("KEY", to: command.arguments.last ?? "")
                return CommandResult()
            }
            .on("docker", "build") { [weak machine] command in
                let directory = command.arguments.last ?? ""
                #expect(machine?.mode("\(directory)/pgdg.asc") == 0o644)
                #expect(machine?.mode("\(directory)/pgdg.list") == 0o644)
                for name in files.list(directory) {
                    try files.write(try files.read("\(directory)/\(name)") ?? "", to: "/run/built-\(name)")
                }
                return CommandResult()
            }
        var configuration = Configuration()
        configuration.image.base = "registry.example/own@sha256:\(String(repeating: "a", count: 64))"
        configuration.packages[.pgdg] = "http://m/pgdg"
        let context = machine.context(TestMachine.topology(configuration, source: .pgdg))
        try await ImageStep().apply([Change(.create, "image", "")], context)
        return try Dictionary(
            uniqueKeysWithValues: files.list("/run").filter { $0.hasPrefix("built-") }.map {
                ($0, try files.read("/run/\($0)") ?? "")
            })
    }

    @Test func theReleaseOfTheBaseImageChoosesTheSuite() async throws {
        let built = try await build("NAME=x\nVERSION_CODENAME=bookworm\n")
        #expect(
            built["built-pgdg.list"]
                == "deb [signed-by=/etc/apt/keyrings/pgdg.asc] http://m/pgdg bookworm-pgdg main\n")
        #expect(built["built-pgdg.asc"] == "KEY")
        #expect(built["built-Dockerfile"]?.hasPrefix("FROM registry.example/own@sha256:aaaa") == true)
    }

    @Test(arguments: ["", "VERSION_CODENAME=\n", "VERSION_CODENAME=a b\n", "VERSION_CODENAME=\"$(id)\"\n"])
    func anImageOfAnotherSystemIsRefused(_ release: String) async {
        let error = await #expect(throws: PgafError.self) { try await build(release) }
        #expect(error?.code == .imageBuildFailed && !machine.runner.saw("docker", "build"))
    }
}
