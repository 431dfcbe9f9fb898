import Shared
import Testing

@testable import GuestAgent

@Suite struct NetworkStepTests {
    private let machine = TestMachine()

    init() {
        machine.runner.on(
            "docker", "container", "inspect", "monitor_node",
            prints: #"[{"Name":"/monitor_node","State":{"Status":"running","Running":true,"ExitCode":0},"#
                + #""Config":{"Labels":{"pgaf.cluster":"pgaf"}}}]"#)
    }

    private func network(cluster: String, subnet: String) {
        machine.runner.on("docker", "network", "inspect", prints: #"[{"Labels":{"pgaf.cluster":"\#(cluster)"}}]"#)
            .on("docker", "network", "inspect", "--format", prints: subnet + " \n")
    }

    @Test func nothingIsThere() async throws {
        machine.runner.on("docker", status: 1)
        let changes = try await NetworkStep().inspect(machine.context())
        #expect(changes.map(\.description) == ["create the network pgautofailover_cluster_net with 172.30.7.0/24"])
        machine.runner.on("docker", "network", "create")
        try await NetworkStep().apply(changes, machine.context())
        #expect(
            machine.runner.lines.last == [
                "docker", "network", "create", "--driver", "bridge", "--subnet", "172.30.7.0/24", "--gateway",
                "172.30.7.1", "--ip-range", "172.30.7.128/25", "--label", "pgaf.cluster=pgaf", "--label",
                "pgaf.role=network",
                "pgautofailover_cluster_net",
            ])
    }

    /// What Docker chooses for others is never an address of the cluster's.
    @Test(arguments: [("10.1.0.0/20", "10.1.8.0/21"), ("172.30.7.0/26", "172.30.7.32/27"), ("172.30.7.0/27", nil)])
    func othersGetAddressesFromTheUpperHalf(_ subnet: String, _ range: String?) throws {
        let network = try #require(IPv4Network(subnet))
        #expect(network.guestRange?.description == range)
        var configuration = Configuration()
        configuration.nodes = NodeSettings.defaults(count: 16)
        let offsets = ClusterState(source: .debian, postgresVersion: 17, subnet: network).placing(configuration).offsets
        #expect(offsets.count == 17)
        for offset in offsets.values { #expect(network.guestRange?.contains(network.address(offset)) != true) }
    }

    @Test func allIsInOrder() async throws {
        network(cluster: "pgaf", subnet: "172.30.7.0/24")
        #expect(try await NetworkStep().inspect(machine.context()).isEmpty)
    }

    /// Docker would refuse a second network in the same subnet, once the images are made.
    @Test func anotherNameForTheNetworkIsRefused() async throws {
        machine.runner.on("docker", "network", "inspect", status: 1).on("docker", "network", "ls", prints: "former\n")
        let error = await #expect(throws: PgafError.self) { try await NetworkStep().inspect(machine.context()) }
        #expect(error?.code == .dataWouldBeLost && error?.message.contains("is called former") == true)
        #expect(error?.remedy.hasPrefix("Set `network.name` back to former, or start anew") == true)
        #expect(
            machine.runner.lines.last == [
                "docker", "network", "ls", "--filter", "label=pgaf.cluster=pgaf", "--filter", "label=pgaf.role=network",
                "--format", "{{.Name}}",
            ])
    }

    /// In the preflight its engine was not running yet.
    @Test func aMonitorOfAnotherNameIsSeenOnceTheEngineRuns() async throws {
        machine.runner.on("docker", "container", "inspect", status: 1).on("docker", "ps", prints: "former\n")
        let error = await #expect(throws: PgafError.self) { try await NetworkStep().inspect(machine.context()) }
        #expect(error?.code == .dataWouldBeLost && error?.remedy.contains("`monitor.name` back to former") == true)
    }

    @Test(arguments: [
        ("other", "172.30.7.0/24", ErrorCode.foreignObject), ("pgaf", "172.30.8.0/24", .networkConflict),
        ("pgaf", "", .networkConflict),
    ])
    func anotherOneIsRefused(_ cluster: String, _ subnet: String, _ code: ErrorCode) async {
        network(cluster: cluster, subnet: subnet)
        let error = await #expect(throws: PgafError.self) { try await NetworkStep().inspect(machine.context()) }
        #expect(error?.code == code)
    }
}

@Suite struct ImageStepTests {
    private let machine = TestMachine()

    @Test func theWholeBuildLine() {
        #expect(
            ImageStep.buildArguments(reference: "a:b", hash: "h", directory: "/d", network: nil)
                == [
                    "build", "--force-rm", "--label", "pgaf.hash=h", "--label", "pgaf.role=image", "--tag", "a:b", "/d",
                ])
        #expect(
            ImageStep.buildArguments(reference: "a:b", hash: "h", directory: "/d", network: "host") == [
                "build", "--force-rm", "--label", "pgaf.hash=h", "--label", "pgaf.role=image", "--network", "host",
                "--tag", "a:b",
                "/d",
            ])
        let proxied = ImageStep.buildArguments(
            reference: "a:b", hash: "h", directory: "/d", network: nil, proxy: "http://p:1")
        #expect(
            proxied.suffix(7) == [
                "--build-arg", "http_proxy=http://p:1", "--build-arg", "https_proxy=http://p:1", "--tag", "a:b", "/d",
            ])
    }

    @Test func builtOnlyWhenItsInputsChanged() async throws {
        let hash = TestMachine.topology().imageFiles().hash(baseIdentifier: "sha256:1")
        machine.runner.on("docker", "image", "inspect", status: 1)
        #expect(try await ImageStep().inspect(machine.context()).map(\.kind) == [.create])
        machine.runner.on("docker", "image", "inspect", "--format", prints: "sha256:1\n")
            .on(
                "docker", "image", "inspect", "pgaf/pg_auto_failover:latest",
                prints: #"[{"Config":{"Labels":{"pgaf.hash":"\#(hash)"}}}]"#)
        #expect(try await ImageStep().inspect(machine.context()).isEmpty)
        machine.runner.on("docker", "image", "inspect", "--format", prints: "sha256:2\n")
        #expect(try await ImageStep().inspect(machine.context()).map(\.kind) == [.change])
    }

    @Test func buildsFromFilesThatAreGoneAfterwards() async throws {
        let files = machine.files
        // What `bundle create` asks for.
        let inputs = try PrepareRun.inputs(TestMachine.configuration())
        machine.runner.on("docker", "image", "inspect", "--format", prints: "sha256:1\n")
            .on("docker", "network", "inspect", "bridge", prints: #"[{"Labels":{}}]"#)
        machine.runner.on("docker", "build") { command in
            let directory = command.arguments.last ?? ""
            #expect(files.list(directory) == ["Dockerfile", "entrypoint.sh"])
            #expect(command.arguments.contains("pgaf.inputs=\(inputs)"))
            return CommandResult(standardOutput: "Step 2/4 : RUN x\n")
        }
        try machine.place("/var/lib/pgaf/x")
        try await ImageStep().apply([Change(.create, "image", "")], machine.context())
        #expect(!machine.files.exists("/var/lib/pgaf/build-pgaf"))
        #expect(
            machine.written.map(\.body) == [
                .stepProgress(step: "image", fraction: 0.25, message: nil),
                .stepOutput(step: "image", line: "Step 2/4 : RUN x"),
            ])
    }

    @Test func theBaseImageIsMadeOrPulled() async throws {
        #expect(
            BaseImageStep.bootstrapCommand(
                sources: BaseSystem.sources("http://example.org/debian/"), target: "/t"
            ).arguments == [
                "--mount", "mmdebstrap", "--mode=auto", "--variant=minbase", "--include=ca-certificates", "trixie",
                "/t",
                "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://example.org/debian/ trixie main",
            ])
        machine.runner.on("docker", "image", "inspect", status: 1)
        let pgdg = machine.context(TestMachine.topology(source: .pgdg))
        let changes = try await BaseImageStep().inspect(pgdg)
        #expect(changes.map(\.description) == ["pull ubuntu:focal"])
        machine.runner.on("docker", "pull")
        try await BaseImageStep().apply(changes, pgdg)
        #expect(machine.runner.lines.last == ["docker", "pull", "ubuntu:focal"])
        #expect(
            try await BaseImageStep().inspect(machine.context()).map(\.description)
                == ["make pgaf/base:trixie from the Debian archive"])
    }

    @Test func aBaseImageFromAMirrorGetsTheNameOfTheOneForWhichItStands() async throws {
        var configuration = Configuration()
        configuration.packages[.registry] = "m:5000"
        let context = machine.context(TestMachine.topology(configuration, source: .pgdg))
        machine.runner.on("docker", "image", "inspect", status: 1).on("docker", "pull").on("docker", "tag")
        let changes = try await BaseImageStep().inspect(context)
        #expect(changes.map(\.description) == ["pull m:5000/library/ubuntu:focal"])
        try await BaseImageStep().apply(changes, context)
        #expect(
            machine.runner.lines.suffix(2) == [
                ["docker", "pull", "m:5000/library/ubuntu:focal"],
                ["docker", "tag", "m:5000/library/ubuntu:focal", "ubuntu:focal"],
            ])
        machine.runner.on("docker", "pull", status: 1, error: "connection refused\n")
        let error = await #expect(throws: PgafError.self) { try await BaseImageStep().apply(changes, context) }
        #expect(error?.code == .dockerFailed && error?.remedy.contains("packages.mirrors.registry") == true)
        #expect(error?.output == ["connection refused"])
        #expect(error?.remedy.contains("/etc/docker/certs.d") == false)
    }

    /// In the words of Docker, which Go's libraries say.
    @Test(arguments: [
        #"Get "https://m:5000/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority"#,
        #"Get "https://m:5000/v2/": http: server gave HTTP response to HTTPS client"#,
    ]) func aRegistryThatTheEngineDoesNotTrustIsToldWithWhatItTakes(_ words: String) async throws {
        var configuration = Configuration()
        configuration.packages[.registry] = "m:5000"
        let context = machine.context(TestMachine.topology(configuration, source: .pgdg))
        machine.runner.on("docker", "pull", status: 1, error: "Error response from daemon: \(words)\n")
        let error = await #expect(throws: PgafError.self) { try await BaseImageStep().apply([], context) }
        #expect(error?.code == .dockerFailed)
        for remedy in ["/etc/docker/certs.d/m:5000/ca.crt", #"{"insecure-registries": ["m:5000"]}"#, "restart docker"] {
            #expect(error?.remedy.contains(remedy) == true)
        }
    }

    /// apt's words, through mmdebstrap and through a build; other failures keep their own code.
    @Test(arguments: [
        ("Err:1 http://m/debian trixie InRelease\n  Could not connect to m:80 (192.0.2.1), connection timed out", true),
        ("E: Failed to fetch http://m/debian/x.deb  Temporary failure resolving 'm'", true),
        ("E: Failed to fetch http://m/debian/x.deb  Hash Sum mismatch", false),
    ]) func anArchiveThatDoesNotAnswerIsToldApart(_ words: String, _ isSilent: Bool) async throws {
        var configuration = Configuration()
        configuration.packages[.debian] = "http://m/debian"
        try machine.place("/usr/bin/mmdebstrap")
        try machine.place("/var/lib/pgaf/x")
        machine.runner.on("unshare", status: 100, error: words + "\n")
        let base = await #expect(throws: PgafError.self) {
            try await BaseImageStep().apply([], machine.context(TestMachine.topology(configuration)))
        }
        #expect(base?.code == (isSilent ? .archiveUnreachable : .imageBuildFailed))
        #expect(base?.remedy.contains("packages.mirrors.debian") == true)
        let build = Docker.failure(
            Command("docker", ["build"]), CommandResult(status: 1, standardError: words), code: .imageBuildFailed,
            what: "The image x could not be built.")
        #expect(build.code == (isSilent ? .archiveUnreachable : .imageBuildFailed))
        #expect(build.remedy.contains("packages.proxy") == isSilent)
    }

    /// The machine is of another release, and its mirror may have no more than that one's.
    @Test(arguments: [true, false]) func securityUpdatesAreTakenWhereTheyCanBeHad(_ answers: Bool) async throws {
        try machine.place("/usr/bin/mmdebstrap")
        try machine.place("/var/lib/pgaf/x")
        machine.runner.on("unshare").on("docker", "import").on("/usr/lib/apt/apt-helper", status: answers ? 0 : 100)
            .on(
                "apt-get", "indextargets",
                prints: "Debian|main|bookworm|s|http://m/debian/\nDebian|main|bookworm-security|s|http://m/security/\n")
        let context = machine.context()
        try await BaseImageStep().apply([], context)
        let command = try #require(machine.runner.commands.first { $0.executable == "unshare" })
        let main = BaseSystem.source("http://m/debian/", "trixie")
        let security = BaseSystem.source("http://m/security/", "trixie-security")
        #expect(command.arguments.suffix(answers ? 2 : 1) == (answers ? [main, security] : [main]))
        #expect(await context.warnings.all.isEmpty == answers)
        #expect(!machine.files.exists(BaseImageStep.workspace))
    }

    @Test func mmdebstrapGetsTheMirrorAndTheProxyThatStaysOutOfTheImage() async throws {
        var configuration = Configuration()
        configuration.packages[.debian] = "http://m/debian"
        configuration.packages[.proxy] = "http://p:1"
        try machine.place("/usr/bin/mmdebstrap")
        machine.runner.on("unshare").on("docker", "import")
        try machine.place("/var/lib/pgaf/x")
        try await BaseImageStep().apply([], machine.context(TestMachine.topology(configuration)))
        let command = try #require(machine.runner.commands.first { $0.executable == "unshare" })
        #expect(command.arguments.starts(with: ["--mount", "mmdebstrap"]))
        #expect(command.arguments.last == BaseSystem.source("http://m/debian", "trixie"))
        #expect(command.environment["http_proxy"] == "http://p:1" && command.environment["https_proxy"] == "http://p:1")
        #expect(!command.arguments.contains { $0.contains("http://p:1") })
    }

    @Test func aBaseImageThatABoxCarriesIsLoaded() async throws {
        try machine.place(BaseSystem.prepared)
        machine.runner.on("docker", "import")
        try await BaseImageStep().apply([], machine.context())
        #expect(
            machine.runner.lines == [
                [
                    "docker", "import", "--change", "LABEL pgaf.hash=\(BaseImageStep.hash)", "--change",
                    "LABEL pgaf.role=image", "/var/cache/pgaf/base-trixie.tar", "pgaf/base:trixie",
                ]
            ])
    }
}
