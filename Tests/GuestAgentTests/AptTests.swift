import Shared
import Synchronization
import Testing

@testable import GuestAgent

@Suite struct AptTests {
    @Test func theWholeInstallLine() {
        #expect(
            Apt.installCommand(["a", "b"])
                == Command(
                    "apt-get",
                    [
                        "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3", "install", "--yes",
                        "--no-install-recommends", "a", "b",
                    ], environment: ["DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"],
                    deadline: .seconds(3600)))
    }

    @Test func aPackageInTheListsNeedsNoUpdate() async throws {
        let runner = ScriptedRunner().on("apt-get")
        try await Apt(runner: runner).install(["a"]) { _ in }
        #expect(runner.commands == [Apt.installCommand(["a"])])
    }

    @Test func aPackageThatIsMissingIsTriedAgainWithNewLists() async throws {
        let updated = Mutex(false)
        let runner = ScriptedRunner().on("apt-get") { command in
            if command.arguments.last == "update" {
                updated.withLock { $0 = true }
                return CommandResult()
            }
            return CommandResult(status: updated.withLock { $0 } ? 0 : 100)
        }
        try await Apt(runner: runner).install(["a"]) { _ in }
        #expect(runner.lines.map(\.last) == ["a", "update", "a"])
        #expect(runner.lines[1].contains("APT::Update::Error-Mode=any"))
    }

    @Test func eachFailureHasItsOwnCode() async {
        let runner = ScriptedRunner().on("apt-get", status: 100, error: "E: nothing works\n")
        let silent = await #expect(throws: PgafError.self) { try await Apt(runner: runner).install(["a"]) { _ in } }
        #expect(silent?.code == .archiveUnreachable && silent?.output == ["E: nothing works"])
        let half = ScriptedRunner().on("apt-get") { command in
            CommandResult(status: command.arguments.last == "update" ? 0 : 100)
        }
        let failed = await #expect(throws: PgafError.self) { try await Apt(runner: half).install(["a"]) { _ in } }
        #expect(failed?.code == .packagesFailed)
    }

    @Test func theMainSuiteOfTheMachinesOwnArchive() {
        let targets = """
            Docker|stable|trixie|https://example.org/docker|https://example.org/docker/
            Debian|main|bookworm-security|http://example.org/debian-security|http://example.org/debian-security/
            Debian|main|bookworm-updates|http://example.org/debian|http://example.org/updates/
            Debian|contrib|bookworm|http://example.org/debian|http://example.org/contrib/
            half a line
            Debian|main|bookworm|http://example.org/debian|http://example.org/debian/
            """
        #expect(Apt.archive(inIndexTargets: targets) == "http://example.org/debian/")
        #expect(Apt.archive(inIndexTargets: "") == nil)
    }

    @Test func anArchiveThatIsNotKnownIsLookedForOnceMore() async {
        let runner = ScriptedRunner().on("apt-get")
        let error = await #expect(throws: PgafError.self) { try await Apt(runner: runner).debianArchive() }
        #expect(error?.code == .archiveUnreachable)
        #expect(runner.lines.map { $0.contains("update") } == [false, true, false])
    }
}

@Suite struct AptRepositoriesTests {
    private static let listing = """
        tru::1:1700000000:0:3:1:5
        pub:-:4096:1:7FCC7D46ACCC4CF8:1318517600:::-:::scESC::::::23::0:
        fpr:::::::::B97B0AFCAA1A47F044F244A07FCB7D46ACCC4CF8:
        uid:-::::1::X::PostgreSQL Debian Repository::::::::::0:
        sub:-:4096:1:AAAA:1:::::e::::::23:
        fpr:::::::::0000000000000000000000000000000000000000:
        """

    @Test func fingerprintsPrimaryKeyFirst() {
        #expect(
            AptRepositories.fingerprints(Self.listing) == [
                "B97B0AFCAA1A47F044F244A07FCB7D46ACCC4CF8", "0000000000000000000000000000000000000000",
            ])
        #expect(AptRepositories.fingerprints("fpr:\nfpr::::\npub:x").isEmpty)
    }

    private func machine(listing: String) throws -> TestMachine {
        let machine = TestMachine()
        try machine.place("/run/none")
        let files = machine.files
        machine.runner.on("apt-get").on("gpg", prints: listing).on("/usr/lib/apt/apt-helper", "download-file") {
            try files.write("KEY", to: $0.arguments[2])
            return CommandResult()
        }
        return machine
    }

    @Test func aVerifiedKeySignsItsOwnRepositoryAlone() async throws {
        let machine = try machine(listing: Self.listing)
        try machine.place("/etc/apt/sources.list.d/none")
        try await AptRepositories(runner: machine.runner, files: machine.files)
            .add([SoftwareSource.pgdg("trixie")]) { _ in }
        #expect(try machine.files.read("/etc/apt/keyrings/pgdg.asc") == "KEY")
        #expect(machine.mode("/etc/apt/keyrings/pgdg.asc") == 0o644)
        #expect(
            try machine.files.read("/etc/apt/sources.list.d/pgdg.list")
                == SoftwareSource.pgdg("trixie").sourcesLine + "\n")
        #expect(!machine.files.exists("/run/pgaf-key-pgdg"))
        #expect(machine.runner.lines.last?.last == "update")
    }

    @Test func anotherKeyIsRefusedAndNothingIsWritten() async throws {
        let forged = "fpr:::::::::0000000000000000000000000000000000000000:\n" + Self.listing
        let machine = try machine(listing: forged)
        let error = await #expect(throws: PgafError.self) {
            try await AptRepositories(runner: machine.runner, files: machine.files)
                .add([SoftwareSource.pgdg("trixie")]) { _ in }
        }
        #expect(error?.code == .packagesFailed)
        #expect(!machine.files.exists("/etc/apt/keyrings/pgdg.asc"))
        #expect(!machine.files.exists("/run/pgaf-key-pgdg"))
    }
}
