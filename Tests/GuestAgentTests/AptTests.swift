import Shared
import Synchronization
import Testing

@testable import GuestAgent

@Suite struct AptTests {
    @Test func theWholeInstallLine() {
        let options = ["DPkg::Lock::Timeout=300", "Acquire::Retries=3", "Acquire::http::Timeout=30"]
        func line(_ more: [String]) -> Command {
            Command(
                "apt-get",
                (options + more).flatMap { ["-o", $0] } + ["install", "--yes", "--no-install-recommends", "a", "b"],
                environment: ["DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"], deadline: .seconds(3600))
        }
        let runner = ScriptedRunner()
        #expect(Apt(runner: runner).installCommand(["a", "b"]) == line(["Acquire::https::Timeout=30"]))
    }

    @Test func aProxyIsForEveryCommandThatFetches() {
        let apt = Apt(runner: ScriptedRunner(), proxy: "http://p:1")
        let fetch = apt.fetchCommand("http://m/k", to: "/t", patience: 5, retries: 0, deadline: .seconds(1))
        let commands = [apt.installCommand(["a"]), apt.updateCommand(of: "/d"), fetch]
        for command in commands {
            for option in ["Acquire::http::Proxy=http://p:1", "Acquire::https::Proxy=http://p:1"] {
                #expect(zip(command.arguments, command.arguments.dropFirst()).contains { $0 == ("-o", option) })
            }
        }
        #expect(fetch.arguments.suffix(3) == ["download-file", "http://m/k", "/t"])
        #expect(fetch.arguments.contains("Acquire::https::Timeout=5"))
    }

    /// Both schemes, since apt takes the options of http for https alone where that has none.
    @Test func whatAServerMayChooseOf() {
        let apt = Apt(runner: ScriptedRunner())
        let plain = apt.fetchCommand("http://m/k", to: "/t", patience: 5, retries: 0, deadline: .seconds(1))
        #expect(!plain.arguments.contains { $0.contains("Accept") })
        let choosing = apt.fetchCommand(
            "http://m/k", to: "/t", accepting: ["a/b", "c/d"], patience: 5, retries: 0, deadline: .seconds(1))
        let options = ["http", "https"].flatMap {
            ["-o", "Acquire::\($0)::SendAccept=false", "-o", "Acquire::\($0)::User-Agent=pgaf\r\nAccept: a/b, c/d"]
        }
        #expect(choosing.arguments == plain.arguments.dropLast(3) + options + ["download-file", "http://m/k", "/t"])
    }

    /// Whatever else the machine's apt has stays out of the look at one repository.
    @Test func aProofTouchesNoOtherList() {
        let command = Apt(runner: ScriptedRunner()).updateCommand(of: "/d")
        for option in [
            "Dir::Etc::SourceList=/d/sources.list", "Dir::Etc::SourceParts=/dev/null", "Dir::State::Lists=/d/lists",
            "APT::Update::Error-Mode=any",
        ] { #expect(command.arguments.contains(option)) }
        #expect(command.arguments.last == "update" && command.deadline == .seconds(300))
    }

    @Test func aPackageInTheListsNeedsNoUpdate() async throws {
        let runner = ScriptedRunner().on("apt-get")
        try await Apt(runner: runner).install(["a"]) { _ in }
        #expect(runner.commands == [Apt(runner: runner).installCommand(["a"])])
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

    @Test func aDownloadInstallsNothing() async throws {
        let runner = ScriptedRunner().on("apt-get")
        try await Apt(runner: runner).download(["a", "b"]) { _ in }
        let words = ["install", "--download-only", "--yes", "--no-install-recommends", "a", "b"]
        #expect(runner.lines.count == 1 && runner.lines[0].suffix(6) == words[...])
        runner.on("apt-get") { command in
            CommandResult(
                status: command.arguments.last == "update" ? 0 : 100, standardError: "E: Hash Sum mismatch\n")
        }
        let error = await #expect(throws: PgafError.self) { try await Apt(runner: runner).download(["a"]) { _ in } }
        #expect(error?.code == .packagesFailed && error?.output == ["E: Hash Sum mismatch"])
        #expect(error?.remedy.contains("Nothing was installed") == true)
        #expect(runner.lines.filter { $0.contains("install") }.allSatisfy { $0.contains("--download-only") })
    }

    /// apt waits for dpkg's locks by itself, and says so on its standard output; for the others it asks once.
    @Test func anotherAptThatHasTheListsIsWaitedFor() async throws {
        let tries = Mutex(0)
        let told = Mutex<[String]>([])
        let lock = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 812 (apt-get)\n"
        let runner = ScriptedRunner().on("apt-get") { _ in
            let number = tries.withLock {
                $0 += 1
                return $0
            }
            return number > 2 ? CommandResult() : CommandResult(status: 100, standardError: lock + "E: Unable\n")
        }
        let apt = Apt(runner: runner)
        try await apt.update { line in told.withLock { $0.append(line) } }
        #expect(runner.lines.map(\.last) == ["update", "update", "update"])
        #expect(told.withLock { $0 } == Array(repeating: "waiting for another apt on the machine to end", count: 2))
        tries.withLock { $0 = 0 }
        try await apt.download(["a"]) { _ in }
        #expect(runner.lines.suffix(3).map(\.last) == ["a", "a", "a"])
    }

    @Test func whatFailsOtherwiseIsToldAtOnce() async {
        let words = "Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812"
        let runner = ScriptedRunner().on("apt-get", prints: words, status: 100, error: "E: Hash Sum mismatch\n")
        let error = await #expect(throws: PgafError.self) { try await Apt(runner: runner).update { _ in } }
        #expect(error?.code == .archiveUnreachable && runner.lines.count == 1)
    }

    /// Killed in the middle of `dpkg`: apt refuses everything until that is finished.
    @Test func anInterruptedInstallationIsFinishedFirst() async throws {
        let configured = Mutex(false)
        let words =
            "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem.\n"
        let runner = ScriptedRunner().on("apt-get") { _ in
            configured.withLock { $0 } ? CommandResult() : CommandResult(status: 100, standardError: words)
        }.on("dpkg") { _ in
            configured.withLock { $0 = true }
            return CommandResult()
        }
        try await Apt(runner: runner).install(["a"]) { _ in }
        #expect(runner.lines.map(\.last) == ["a", "-a", "--no-install-recommends", "update", "a"])
        #expect(runner.lines[2].contains("--fix-broken"))
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
        #expect(
            Apt.archive(inIndexTargets: targets, ending: "-security") == "http://example.org/debian-security/")
        #expect(Apt.archive(inIndexTargets: "") == nil)
    }

    /// As on Debian's images for clouds.
    @Test func anArchiveWithAListOfMirrorsIsItsFirstMirror() async throws {
        let runner = ScriptedRunner()
            .on(
                "apt-get",
                prints: "Debian|main|trixie|mirror+file:/etc/apt|mirror+file:/etc/apt/mirrors/debian.list/\n"
            )
            .on("cat", "/etc/apt/mirrors/debian.list", prints: "# none\nhttps://example.org/debian\tpriority:1\n")
        #expect(try await Apt(runner: runner).debianArchive() == .init(main: "https://example.org/debian"))
        #expect(Apt.mirrorList("http://example.org/debian/") == nil && Apt.mirror(in: "\n#\n") == nil)
    }

    @Test func anArchiveThatIsNotKnownIsLookedForOnceMore() async {
        let runner = ScriptedRunner().on("apt-get")
        let error = await #expect(throws: PgafError.self) { try await Apt(runner: runner).debianArchive() }
        #expect(error?.code == .archiveUnreachable)
        #expect(runner.lines.map { $0.contains("update") } == [false, true, false])
    }
}
