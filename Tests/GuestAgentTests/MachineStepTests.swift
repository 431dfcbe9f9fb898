import Shared
import TestSupport
import Testing

@testable import GuestAgent

@Suite struct PreflightStepTests {
    private let machine: TestMachine
    private let step: PreflightStep

    init() throws {
        machine = TestMachine()
        step = PreflightStep(store: machine.store)
        try machine.place("/usr/bin/apt-get")
        machine.runner.on("docker", status: 1).on("df", prints: "Avail\n20000\n")
    }

    private func topology(port: Int = ListeningPort.free(), nodes: [NodeSettings] = []) -> ClusterTopology {
        var configuration = Configuration()
        configuration.nodes = nodes
        configuration.monitor.port = port
        return TestMachine.topology(configuration)
    }

    @Test func remembersTheClusterForRootAlone() async throws {
        let context = machine.context(topology())
        let changes = try await step.inspect(context)
        #expect(changes.map(\.subject) == ["memory"])
        try await step.apply(changes, context)
        #expect(try await step.inspect(context).isEmpty)
        for name in ["state.json", "configuration.json", "secrets.json"] {
            #expect(machine.mode("/var/lib/pgaf/clusters/pgaf/\(name)") == 0o600)
        }
        #expect(machine.mode("/var/lib/pgaf") == 0o700 && machine.mode("/var/lib/pgaf/clusters/pgaf") == 0o700)
    }

    private func failure(_ topology: ClusterTopology) async -> PgafError? {
        await #expect(throws: PgafError.self) { try await step.inspect(machine.context(topology)) }
    }

    @Test func aFullDisk() async {
        machine.runner.on("df", prints: "Avail\n 3071\n")
        let error = await failure(topology())
        #expect(error?.code == .diskFull && error?.message.contains("3071 MiB") == true)
        machine.runner.on("docker", "image", "inspect", prints: "sha256:1\n").on("df", prints: "Avail\n512\n")
        await #expect(throws: Never.self) { try await step.inspect(machine.context(topology())) }
        machine.runner.on("df", prints: "Avail\n511\n").on("docker", "info", prints: "/srv/docker\n")
        #expect(await failure(topology())?.message.contains("511 MiB are free in /srv/docker") == true)
        #expect(machine.runner.lines.contains(["df", "--output=avail", "--block-size=1M", "/srv/docker"]))
    }

    @Test func aPortThatSomebodyElseHas() async {
        let port = ListeningPort()
        let error = await failure(topology(port: port.number))
        withExtendedLifetime(port) {}
        #expect(error?.code == .portInUse && error?.message.contains("\(port.number)") == true)
    }

    @Test func aPortThatTheClusterItselfHas() async {
        let port = ListeningPort()
        func container(running: Bool, cluster: String, published: Int? = nil) {
            let arguments =
                published.map { #","pgaf.arguments":"[[\"--publish\",\"127.0.0.1:\#($0):5432\"],[],[]]""# } ?? ""
            machine.runner.on(
                "docker", "container", "inspect", "monitor_node",
                prints: #"[{"Name":"/monitor_node","State":{"Status":"x","Running":\#(running),"ExitCode":0},"#
                    + #""Config":{"Labels":{"pgaf.cluster":"\#(cluster)"\#(arguments)}}}]"#)
        }
        container(running: true, cluster: "pgaf")
        await #expect(throws: Never.self) { try await step.inspect(machine.context(topology(port: port.number))) }
        container(running: true, cluster: "pgaf", published: port.number)
        await #expect(throws: Never.self) { try await step.inspect(machine.context(topology(port: port.number))) }
        // Somebody else has the port to which the container would move.
        container(running: true, cluster: "pgaf", published: port.number == 9 ? 8 : 9)
        let foreign = await failure(topology(port: port.number))
        #expect(foreign?.code == .portInUse && foreign?.remedy.contains("ss -ltnp") == true)
        // Another node has it, as when two are swapped: there is nothing to be ended.
        let arguments = #""pgaf.arguments":"[[\"--publish\",\"127.0.0.1:\#(port.number):5432\"],[],[]]""#
        machine.runner.on(
            "docker", "container", "inspect", "pgnode2",
            prints: #"[{"Name":"/pgnode2","State":{"Status":"x","Running":true,"ExitCode":0},"#
                + #""Config":{"Labels":{"pgaf.cluster":"pgaf",\#(arguments)}}}]"#)
        let other = NodeSettings(name: "pgnode2", port: ListeningPort.free())
        let sibling = await failure(topology(port: port.number, nodes: [other]))
        #expect(sibling?.code == .portInUse && sibling?.message.contains("is that of pgnode2") == true)
        #expect(sibling?.remedy.contains("a free port first") == true)
        container(running: false, cluster: "pgaf")
        #expect(await failure(topology(port: port.number))?.code == .portInUse)
        container(running: true, cluster: "other")
        #expect(await failure(topology(port: port.number))?.code == .portInUse)
        withExtendedLifetime(port) {}
    }

    @Test func anotherNameForTheMonitorIsRefused() async throws {
        machine.runner.on("docker", "ps", prints: "former\n")
        let error = await failure(topology())
        #expect(error?.code == .dataWouldBeLost && error?.message.contains("is called former") == true)
        #expect(error?.remedy.hasPrefix("Set `monitor.name` back to former, or start anew with `pgaf-host up") == true)
        #expect(machine.runner.lines.last?.contains("label=pgaf.role=monitor") == true)
        // All of it is about to go.
        let fresh = PreflightStep(store: machine.store, isReplacing: true)
        await #expect(throws: Never.self) { try await fresh.inspect(machine.context(topology())) }
    }

    @Test func aRenamedNodeThatIsToKeepItsPort() async throws {
        let port = ListeningPort()
        let arguments = #""pgaf.arguments":"[[\"--publish\",\"127.0.0.1:\#(port.number):5432\"],[],[]]""#
        machine.runner.on("docker", "version", prints: "27.5.1\n")
            .on("docker", "ps", prints: "monitor_node\npgnode1\n")
            .on(
                "docker", "container", "inspect", "pgnode1",
                prints: #"[{"Name":"/pgnode1","State":{"Status":"x","Running":true,"ExitCode":0},"#
                    + #""Config":{"Labels":{"pgaf.cluster":"pgaf",\#(arguments)}}}]"#
            )
            .on(
                "docker", "container", "inspect", "monitor_node",
                prints: #"[{"Name":"/monitor_node","State":{"Status":"x","Running":true,"ExitCode":0},"#
                    + #""Config":{"Labels":{"pgaf.cluster":"pgaf"}}}]"#)
        let error = await failure(topology(nodes: [NodeSettings(name: "another", port: port.number)]))
        withExtendedLifetime(port) {}
        #expect(error?.code == .portInUse)
        #expect(
            error?.message.contains("is that of pgnode1 of the same cluster, which the configuration does not have")
                == true)
        #expect(error?.remedy.hasPrefix("Keep the name pgnode1; or give another a free port first") == true)
    }

    @Test func aMachineWithoutApt() async throws {
        try machine.files.remove("/usr/bin/apt-get")
        #expect(await failure(topology())?.code == .machineUnsupported)
    }
}

@Suite struct DockerStepTests {
    private let machine = TestMachine()

    private func descriptions() async throws -> [String] {
        try await DockerStep().inspect(machine.context()).map(\.description)
    }

    @Test func pidFilesOfADeadEngineGoAndThoseOfALivingOneStay() async throws {
        try machine.place("/var/run/docker.pid", "4711")
        try machine.place("/proc/4711/comm", "bash\n")
        try machine.place("/var/run/docker/containerd/containerd.pid", "4712\n")
        try machine.place("/proc/4712/comm", "containerd\n")
        machine.runner.on("docker", prints: "27.5.1\n").on("id", status: 1).on("env")
        try await DockerStep().apply([Change(.create, "engine", "start the Docker engine")], machine.context())
        #expect(!machine.files.exists("/var/run/docker.pid"))
        #expect(machine.files.exists("/var/run/docker/containerd/containerd.pid"))
    }

    @Test func nothingIsThere() async throws {
        machine.runner.lacks("docker").on("id", status: 1)
        #expect(try await descriptions() == ["install docker.io, docker-cli", "start the Docker engine"])
    }

    @Test func allIsInOrder() async throws {
        machine.runner.on("docker", "version", prints: "27.5.1\n").on("id", prints: "vagrant docker\n")
        #expect(try await descriptions().isEmpty)
    }

    @Test func installedButStoppedAndNotStartedAtBoot() async throws {
        try machine.place("/usr/bin/dockerd")
        try machine.place("/run/systemd/system/x")
        machine.runner.on("docker", "version", status: 1).on("id", prints: "vagrant sudo\n")
            .on("systemctl", "is-enabled", status: 1)
        #expect(
            try await descriptions() == [
                "start the Docker engine", "start the Docker engine at boot",
                "add the user vagrant to the group docker",
            ])
    }

    @Test func vagrantsUserJoinsTheGroup() async throws {
        machine.runner.on("docker", prints: "27.5.1\n").on("id", prints: "vagrant sudo\n").on("usermod")
        let changes = try await DockerStep().inspect(machine.context())
        #expect(changes.map(\.subject) == ["group"])
        try await DockerStep().apply(changes, machine.context())
        #expect(machine.runner.lines.contains(["usermod", "--append", "--groups", "docker", "vagrant"]))
    }

    @Test(arguments: [MachineSettings.Kind.local, .ssh])
    func whoeverIsCalledVagrantElsewhereGetsNoGroup(_ kind: MachineSettings.Kind) async throws {
        machine.runner.on("docker", "version", prints: "27.5.1\n").on("id", prints: "vagrant sudo\n")
        var configuration = Configuration()
        configuration.machine.kind = kind
        #expect(try await DockerStep().inspect(machine.context(TestMachine.topology(configuration))).isEmpty)
    }

    @Test func startsWithSystemd() async throws {
        try machine.place("/usr/bin/dockerd")
        try machine.place("/run/systemd/system/x")
        machine.runner.on("docker", prints: "27.5.1\n").on("id", status: 1).on("systemctl")
        try await DockerStep().apply([Change(.create, "engine", "")], machine.context())
        #expect(machine.runner.lines[1] == ["systemctl", "enable", "--now", "docker"])
    }

    private func proxied(_ proxy: String?, source: SoftwareSource = .debian) -> AgentContext {
        var configuration = Configuration()
        configuration.packages[.proxy] = proxy
        return machine.context(TestMachine.topology(configuration, source: source))
    }

    private static let proxyFile = "/etc/systemd/system/docker.service.d/pgaf-proxy.conf"

    /// Its installation starts it, with what is there by then.
    @Test func anEngineThatPgafInstallsHasTheProxyFromTheBeginning() async throws {
        try machine.place("/run/systemd/system/x")
        let files = machine.files
        machine.runner.lacks("docker").on("id", status: 1).on("systemctl").on("apt-get") { _ in
            #expect(files.exists(Self.proxyFile))
            return CommandResult()
        }
        let step = DockerStep()
        let new = proxied("http://p.example:3128")
        let changes = try await step.inspect(new)
        #expect(
            changes.map(\.description) == [
                "install docker.io, docker-cli", "start the Docker engine",
                "give the Docker engine the proxy http://p.example:3128",
            ])
        machine.runner.on("docker", prints: "27.5.1\n")
        try await step.apply(changes, new)
        let text = try files.read(Self.proxyFile)
        #expect(
            text == "# Written by pgaf for packages.proxy.\n[Service]\n"
                + #"Environment="HTTP_PROXY=http://p.example:3128" "HTTPS_PROXY=http://p.example:3128""#
                + #" "NO_PROXY=localhost,127.0.0.0/8,::1""# + "\n")
        #expect(machine.mode(Self.proxyFile) == 0o644)
        #expect(machine.runner.lines.first { $0[0] == "systemctl" } == ["systemctl", "daemon-reload"])
        try machine.place("/usr/bin/dockerd")
        #expect(try await step.inspect(new).isEmpty)
    }

    private static let otherProxies: [(String?, String)] = [
        ("http://other.example:1", "give the Docker engine the proxy http://other.example:1 at its next start"),
        (nil, "take the proxy away from the Docker engine at its next start"),
    ]

    /// Whoever restarts it stops all containers: that is not for a changed setting to do.
    @Test(arguments: otherProxies)
    func anotherProxyIsForTheEnginesNextStart(_ proxy: String?, _ words: String) async throws {
        for file in ["/run/systemd/system/x", "/usr/bin/dockerd", Self.proxyFile] { try machine.place(file) }
        machine.runner.on("docker", prints: "27.5.1\n").on("id", status: 1).on("systemctl")
        let step = DockerStep()
        let changes = try await step.inspect(proxied(proxy))
        #expect(changes.map(\.description) == [words])
        let before = machine.runner.lines.count
        try await step.apply(changes, proxied(proxy))
        #expect(
            machine.runner.lines.dropFirst(before).filter { $0[0] == "systemctl" } == [["systemctl", "daemon-reload"]])
        #expect(machine.files.exists(Self.proxyFile) == (proxy != nil))
        #expect(try await step.inspect(proxied(proxy)).isEmpty)
    }

    @Test(arguments: [true, false]) func anEngineThatIsThereKeepsItsOwnProxy(_ hasSystemd: Bool) async throws {
        machine.runner.on("id", status: 1).on("systemctl")
        if hasSystemd {
            for file in ["/run/systemd/system/x", "/usr/bin/dockerd"] { try machine.place(file) }
            machine.runner.on("docker", prints: "27.5.1\n")
        } else {
            machine.runner.lacks("docker")
        }
        let context = proxied("http://p.example:3128", source: .pgdg)
        #expect(try await !DockerStep().inspect(context).has(EngineProxy.subject))
        // Where it matters it is told what to do.
        machine.runner.on("docker", "pull", status: 1, error: "timeout\n")
        let error = await #expect(throws: PgafError.self) { try await BaseImageStep().apply([], context) }
        #expect(error?.remedy.contains("`Environment=HTTPS_PROXY=http://p.example:3128` into /etc/systemd/") == true)
    }

    /// dpkg had unpacked the engine when it was killed; its scripts had not made the group that the socket wants.
    @Test func anEngineWhoseInstallationWasCutOffIsFinishedFirst() async throws {
        try machine.place("/usr/sbin/dockerd")
        try machine.place("/run/systemd/system/x")
        machine.runner.on("docker", prints: "27.5.1\n").on("id", status: 1).on("systemctl").on("apt-get")
            .on("dpkg", "--audit", prints: "The following packages are only half configured: docker.io\n")
        try await DockerStep().apply([Change(.create, "engine", "")], machine.context())
        #expect(machine.runner.lines[1] == ["dpkg", "--configure", "-a"])
        #expect(machine.runner.lines[2].contains("--fix-broken"))
        #expect(machine.runner.lines[3] == ["systemctl", "enable", "--now", "docker"])
    }

    @Test func startsTheEngineItselfWhereTheInitScriptFails() async throws {
        machine.runner.on("docker", prints: "27.5.1\n").on("id", status: 1)
            .on("env", status: 1).on("env", "--unset", "PGAF_RUN", "setsid")
        try await DockerStep().apply([Change(.create, "engine", "")], machine.context())
        #expect(machine.runner.lines[1] == ["env", "--unset", "PGAF_RUN", "service", "docker", "start"])
        #expect(
            machine.runner.lines[2]
                == [
                    "env", "--unset", "PGAF_RUN", "setsid", "--fork", "sh", "-c",
                    "exec dockerd </dev/null >>/var/log/docker.log 2>&1",
                ])
    }

    @Test func theClientThatDoesNotWorkIsAnError() async {
        machine.runner.on("id", status: 1).on("docker", "info", status: 1, error: "permission denied")
        let error = await #expect(throws: PgafError.self) { try await DockerStep().apply([], machine.context()) }
        #expect(error?.code == .dockerUnavailable && error?.output == ["permission denied"])
    }

    @Test func thePsqlClient() async throws {
        machine.runner.lacks("psql")
        let changes = try await PsqlClientStep().inspect(machine.context())
        #expect(changes.map(\.description) == ["install postgresql-client"])
        machine.runner.on("apt-get")
        try await PsqlClientStep().apply(changes, machine.context())
        #expect(machine.runner.commands.last == machine.context().apt.installCommand(["postgresql-client"]))
        machine.runner.on("psql", "--version", prints: "psql 17")
        #expect(try await PsqlClientStep().inspect(machine.context()).isEmpty)
    }
}
