import Shared
import Testing

@testable import GuestAgent

@Suite struct StateChoiceTests {
    private let machine = TestMachine()

    init() {
        machine.runner.on("docker", status: 1)
    }

    private let told = Warnings()

    private func choose(_ change: (inout Configuration) -> Void = { _ in }) async throws -> ClusterState {
        var configuration = Configuration()
        configuration.packages.source = .debian
        change(&configuration)
        return try await StateChoice(runner: machine.runner, store: machine.store, facts: MachineFacts())
            .state(for: configuration, warnings: told)
    }

    private func refusal(_ change: (inout Configuration) -> Void) async -> ErrorCode? {
        await #expect(throws: PgafError.self) { try await choose(change) }?.code
    }

    @Test func withABundleNobodyIsAsked() async throws {
        var configuration = Configuration()
        configuration.packages.source = .auto
        let state = try await StateChoice(
            runner: machine.runner, store: machine.store, facts: MachineFacts(), bundle: true
        ).state(for: configuration, warnings: told)
        #expect(state.source == .debian)
        #expect(!machine.runner.saw("/usr/lib/apt/apt-helper"))
    }

    @Test func aBundleIsRefusedWhereTheDataIsFromPGDG() async throws {
        let choice = StateChoice(runner: machine.runner, store: machine.store, facts: MachineFacts(), bundle: true)
        try machine.store.save(TestMachine.topology(source: .pgdg), TestMachine.secrets)
        let error = await #expect(throws: PgafError.self) {
            try await choice.state(for: Configuration(), warnings: told)
        }
        #expect(error?.code == .bundleUnfit && error?.remedy.contains("Leave `--bundle` out") == true)
        // A choice that binds nobody yet.
        machine.runner.on("docker", "volume", "ls")
        #expect(try await choice.state(for: Configuration(), warnings: told).source == .debian)
        // The memory is lost, and the volumes say it.
        machine.runner.on("docker", "volume", "ls", prints: "pgnode1_data\n")
            .on(
                "docker", "volume", "inspect", "pgnode1_data",
                prints: #"[{"Labels":{"pgaf.cluster":"pgaf","pgaf.source":"pgdg","pgaf.postgres":"16"}}]"#)
        try machine.files.remove(machine.store.root)
        let forgotten = await #expect(throws: PgafError.self) {
            try await choice.state(for: Configuration(), warnings: told)
        }
        #expect(forgotten?.code == .bundleUnfit)
    }

    @Test func aNewClusterGetsWhatIsFree() async throws {
        try machine.place("/proc/net/route", "Iface\nbr\t00001EAC\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n")
        let state = try await choose()
        #expect(state.source == .debian && state.postgresVersion == 17)
        #expect(state.subnet.description == "172.30.1.0/24" && state.offsets.isEmpty)
    }

    @Test func whatTheUserAsksForIsTaken() async throws {
        let state = try await choose {
            $0.packages.source = .pgdg
            $0.postgres.version = 15
            $0.network.subnet = "10.9.0.0/28"
        }
        #expect(state.source == .pgdg && state.postgresVersion == 15 && state.subnet.description == "10.9.0.0/28")
        #expect(!machine.runner.saw("/usr/lib/apt/apt-helper"))
    }

    @Test func aNetworkThatIsThereIsAdopted() async throws {
        machine.runner.on("docker", "network", "inspect", prints: "172.30.99.0/24 \n")
        #expect(try await choose().subnet.description == "172.30.99.0/24")
        #expect(try await choose { $0.network.subnet = "10.9.0.0/28" }.subnet.description == "10.9.0.0/28")
    }

    @Test func impossibleWishesAreRefused() async throws {
        #expect(await refusal { $0.postgres.version = 16 } == .configurationConflict)
        #expect(await refusal { $0.network.subnet = "172.30.7.9/24" } == .configurationInvalid)
        try machine.place(
            "/proc/net/route",
            "Iface\nx\t000010AC\t0\t1\t0\t0\t0\t0000F0FF\t0\t0\t0\ny\t0000000A\t0\t1\t0\t0\t0\t000000FF\t0\t0\t0\n")
        #expect(await refusal { _ in } == .networkConflict)
    }

    @Test func autoTakesPgdgOnlyWhenAllItsHostsAnswer() async throws {
        machine.runner.on("/usr/lib/apt/apt-helper")
        #expect(try await choose { $0.packages.source = .auto }.source == .pgdg)
        // A key and a suite of three repositories: Docker's, PGDG's for the machine, its archive for the image.
        let asked = machine.runner.lines.filter { $0[0].hasSuffix("apt-helper") }.map { $0[$0.count - 2] }
        #expect(asked.count == 7 && asked[5].hasSuffix("/dists/focal-pgdg-archive/InRelease"))
        #expect(asked.last == "https://registry-1.docker.io/v2/")
        for silent in ["postgresql.org/media", "dists/trixie-pgdg/", "dists/focal-pgdg-archive/", "docker.com"] {
            machine.runner.on("/usr/lib/apt/apt-helper") { command in
                CommandResult(status: command.arguments.contains { $0.contains(silent) } ? 100 : 0)
            }
            #expect(try await choose { $0.packages.source = .auto }.source == .debian, "\(silent)")
        }
        // A registry that wants a login is there; one that is not found is not.
        for (words, source) in [
            ("401  Unauthorized", SoftwareSource.pgdg), ("Could not resolve 'registry-1.docker.io'", .debian),
        ] {
            machine.runner.on("/usr/lib/apt/apt-helper") { command in
                command.arguments.contains { $0.hasSuffix("/v2/") }
                    ? CommandResult(status: 100, standardError: "E: Failed to fetch \(words)\n") : CommandResult()
            }
            #expect(try await choose { $0.packages.source = .auto }.source == source, "\(words)")
        }
        #expect(await told.all.last?.contains("the registry registry-1.docker.io of the base image") == true)
        machine.runner.lacks("/usr/lib/apt/apt-helper")
        #expect(try await choose { $0.packages.source = .auto }.source == .debian)
        machine.runner.on("/usr/lib/apt/apt-helper") { _ in throw PgafError(.timeout, "", remedy: "") }
        #expect(try await choose { $0.packages.source = .auto }.source == .debian)
    }

    @Test func autoSaysWhyAndAsksTheMirrors() async throws {
        machine.runner.on("/usr/lib/apt/apt-helper") { command in
            CommandResult(status: command.arguments.contains { $0.hasPrefix("http://m/") } ? 100 : 0)
        }
        _ = try await choose { $0.packages.source = .auto }
        #expect(await told.all.count == 1)
        let pgdg = await told.all.last
        #expect(
            pgdg?.hasPrefix("packages.source auto has chosen pgdg: https://download.docker.com/linux/debian trixie")
                == true)
        _ = try await choose {
            $0.packages.source = .auto
            $0.packages[.pgdg] = "http://m/pgdg"
            $0.packages[.proxy] = "http://p:1"
        }
        let debian = await told.all.last
        #expect(
            debian?.hasPrefix("packages.source auto has chosen debian: http://m/pgdg with the suite trixie-pgdg ")
                == true)
        let asked = machine.runner.lines.last { $0[0].hasSuffix("apt-helper") } ?? []
        #expect(asked.contains("Acquire::http::Proxy=http://p:1") && asked.contains("Acquire::http::Timeout=5"))
    }

    @Test func whatIsNotAutoNeedsNoWords() async throws {
        for source in [PackageSettings.Source.debian, .pgdg] { _ = try await choose { $0.packages.source = source } }
        #expect(await told.all.isEmpty)
    }

    /// The machine's memory is gone, the data is not: the archives may answer otherwise today.
    @Test func aForgottenClusterIsWhatItsVolumesSay() async throws {
        machine.runner.on("/usr/lib/apt/apt-helper")
            .on("docker", "volume", "ls", prints: "pgnode1_data\n")
            .on(
                "docker", "volume", "inspect", "pgnode1_data",
                prints: #"[{"Labels":{"pgaf.cluster":"pgaf","pgaf.source":"debian","pgaf.postgres":"17"}}]"#)
        #expect(try await choose { $0.packages.source = .auto }.source == .debian)
        #expect(try await choose { $0.packages.source = .auto }.postgresVersion == 17)
        #expect(!machine.runner.saw("/usr/lib/apt/apt-helper"))
        #expect(await refusal { $0.packages.source = .pgdg } == .dataWouldBeLost)
        #expect(await refusal { $0.postgres.version = 16 } == .dataWouldBeLost)
        // Volumes of an earlier release do not say it.
        machine.runner.on(
            "docker", "volume", "inspect", "pgnode1_data", prints: #"[{"Labels":{"pgaf.cluster":"pgaf"}}]"#)
        #expect(try await choose { $0.packages.source = .auto }.source == .pgdg)
    }

    @Test func aClusterNeverChangesItsMind() async throws {
        let known = TestMachine.topology()
        try machine.store.save(known, TestMachine.secrets)
        machine.runner.on("/usr/lib/apt/apt-helper")
        // The hosts of pgdg answer now, another network came: neither matters any more.
        machine.runner.on("docker", "network", "inspect", prints: "172.30.99.0/24 \n")
        #expect(try await choose { $0.packages.source = .auto } == known.state)
        #expect(!machine.runner.saw("/usr/lib/apt/apt-helper"))
        #expect(await told.all.isEmpty)
        #expect(
            try await choose {
                $0.postgres.version = 17
                $0.network.subnet = "172.30.7.0/24"
            } == known.state)
    }

    @Test func changesThatWouldCostDataAreRefused() async throws {
        try machine.store.save(TestMachine.topology(), TestMachine.secrets)
        #expect(await refusal { $0.postgres.version = 16 } == .dataWouldBeLost)
        #expect(await refusal { $0.network.subnet = "172.30.8.0/24" } == .dataWouldBeLost)
        #expect(await refusal { $0.packages.source = .pgdg } == .dataWouldBeLost)
    }
}
