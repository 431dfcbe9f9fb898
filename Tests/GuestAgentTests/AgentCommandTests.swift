import ArgumentParser
import Shared
import Synchronization
import TestSupport
import Testing

@testable import GuestAgent

@Suite struct AgentCommandTests {
    private func parse<Verb: ParsableCommand>(_ verb: Verb.Type, _ arguments: String...) throws -> Verb {
        try #require(try AgentCommand.parseAsRoot(arguments) as? Verb)
    }

    @Test func upReadsARequestUnlessAFileIsNamed() throws {
        let plain = try parse(AgentUpCommand.self, "up")
        #expect(plain.alone.config == nil && plain.alone.overrides.isEmpty && !plain.json)
        let own = try parse(
            AgentUpCommand.self, "up", "--config", "/etc/pgaf.yaml", "--set", "a.b=1", "--set", "c=d=e", "--json")
        #expect(own.alone.config == "/etc/pgaf.yaml" && own.alone.overrides == ["a.b=1", "c=d=e"] && own.json)
    }

    @Test func planReadsARequestUnlessAFileIsNamed() throws {
        let plain = try parse(AgentPlanCommand.self, "plan")
        #expect(plain.alone.config == nil && plain.alone.overrides.isEmpty && !plain.json)
        let own = try parse(AgentPlanCommand.self, "plan", "--config", "/etc/pgaf.yaml", "--set", "a.b=1", "--json")
        #expect(own.alone.config == "/etc/pgaf.yaml" && own.alone.overrides == ["a.b=1"] && own.json)
    }

    @Test func theOtherVerbs() throws {
        let status = try parse(AgentStatusCommand.self, "status", "--cluster", "other", "--json")
        #expect(status.json && status.options.cluster == "other")
        let logs = try parse(AgentLogsCommand.self, "logs", "pgnode1", "--follow", "--tail", "5")
        #expect(logs.node == "pgnode1" && logs.follow && logs.tail == 5)
        let all = try parse(AgentLogsCommand.self, "logs")
        #expect(all.node == nil && !all.follow && all.tail == 200 && !all.json)
        let down = try parse(AgentDownCommand.self, "down", "--yes", "--cluster", "c")
        #expect(down.yes && down.verb.options.cluster == "c" && !down.verb.json)
        #expect(try !parse(AgentDownCommand.self, "down").yes)
        #expect(try parse(AgentVersionCommand.self, "version", "--json").json)
        let prepare = try parse(AgentPrepareCommand.self, "prepare", "--set", "packages.source=debian", "--inputs")
        #expect(prepare.inputs && !prepare.json && prepare.alone.config == nil)
        #expect(prepare.alone.overrides == ["packages.source=debian"])
    }

    @Test func theVerbsThatChangeRoles() throws {
        #expect(try parse(AgentSwitchoverCommand.self, "switchover").order == .switchover(to: nil))
        let crash = try parse(AgentFailoverCommand.self, "failover", "--json")
        #expect(crash.roleOrder == .failover(node: nil, way: .crash) && crash.role.json && !crash.role.events)
        let watch = try parse(AgentWatchCommand.self, "watch", "--json", "--interval", "0.5", "--cluster", "c")
        #expect(watch.json && watch.interval == 0.5 && watch.options.cluster == "c")
    }

    /// The host's command lines are what the agent understands.
    @Test func whatTheHostTypesIsUnderstood() throws {
        let run = "20261122T213149123Z-4f0a9c21"
        let orders: [RoleOrder] = [
            .switchover(to: nil), .switchover(to: "b"), .failover(node: nil, way: .crash),
            .failover(node: "a", way: .order), .maintenance(node: "a", turn: .enable),
            .maintenance(node: "a", turn: .enableWithFailover), .maintenance(node: "a", turn: .disable),
        ]
        for order in orders {
            let words = order.words(["--events", "--run", run, "--cluster", "c"])
            let command = try AgentCommand.parseAsRoot(words)
            let found: (order: RoleOrder, role: OrderVerb)? =
                switch command {
                case let verb as AgentSwitchoverCommand: (verb.order, verb.role)
                case let verb as AgentFailoverCommand: (verb.roleOrder, verb.role)
                case let verb as AgentMaintenanceEnableCommand: (verb.order, verb.role)
                case let verb as AgentMaintenanceDisableCommand: (verb.order, verb.role)
                default: nil
                }
            #expect(found?.order == order, "\(words)")
            #expect(found?.role.events == true && found?.role.run == run && found?.role.options.cluster == "c")
        }
        let options = ["--events", "--run", run, "--cluster", "c"]
        let stop = try #require(
            try AgentCommand.parseAsRoot(ClusterOrder.stop.words(options)) as? AgentStopCommand)
        let start = try #require(
            try AgentCommand.parseAsRoot(ClusterOrder.start.words(options)) as? AgentStartCommand)
        let down = try #require(try AgentCommand.parseAsRoot(ClusterOrder.down.words(options)) as? AgentDownCommand)
        #expect(down.yes)
        for verb in [stop.verb, start.verb, down.verb] {
            #expect(verb.events && verb.run == run && verb.options.cluster == "c")
        }
        // By which agents of every release are told before `up` brings its own.
        let silent = try AgentCommand.parseAsRoot(ClusterOrder.stop.words(["--json", "--cluster", "c"]))
        #expect((silent as? AgentStopCommand)?.verb.json == true)
    }

    @Test func theVerbsOfRuns() throws {
        let follow = try parse(AgentFollowCommand.self, "follow", "R", "--since", "7", "--no-wait", "--json")
        #expect(follow.options.identifier == "R" && follow.since == 7 && !follow.wait && follow.json)
        let latest = try parse(AgentFollowCommand.self, "follow")
        #expect(latest.options.identifier == nil && latest.since == 0 && latest.wait)
        #expect(try parse(AgentCancelCommand.self, "cancel", "R").options.identifier == "R")
        #expect(try parse(AgentWorkCommand.self, "work", "R").identifier == "R")
        #expect(try parse(AgentUpCommand.self, "up", "--wait").wait)
    }

    @Test(arguments: [
        ["nonsense"], ["up", "--config"], ["up", "extra"], ["logs", "--follow"], ["logs", "--tail", "-1"],
        ["logs", "--tail", "x"], ["status", "--nonsense"], ["down", "--cluster"], ["maintenance", "enable"],
        ["switchover", "b"], ["failover", "--run", "../x"], ["failover", "--json", "--events"],
        ["watch", "--interval", "0"],
    ])
    func wrongArgumentsAreUsageErrors(_ arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try AgentCommand.parseAsRoot(arguments) }
        #expect(error.map { AgentCommand.exitCode(for: $0).rawValue } == 64)
    }

    @Test func helpNamesEveryVerbAndDefault() {
        let help = AgentCommand.helpMessage(columns: 120)
        for verb in ["up", "plan", "status", "logs", "down", "prepare", "version"] {
            #expect(help.contains("\n  \(verb) "), "\(verb)")
        }
        #expect(AgentLogsCommand.helpMessage(columns: 120).contains("(default: 200)"))
        #expect(AgentUpCommand.helpMessage(columns: 120).contains("standard input"))
        for verb in AgentCommand.configuration.subcommands { #expect(!verb.configuration.abstract.isEmpty) }
    }

    @Test func everyErrorCodeHasAnExitCodeOfTheContract() {
        let allowed: Set<Int32> = [64, 69, 70, 75, 76, 77, 78, 130]
        for code in ErrorCode.allCases { #expect(allowed.contains(code.exitCode), "\(code.rawValue)") }
        #expect(ErrorCode.clusterLocked.exitCode == 75 && ErrorCode.privilegeMissing.exitCode == 77)
    }

    @Test func eventsAsLinesForPeople() {
        #expect(
            EventText.line(.stepFinished(step: "image", outcome: .changed, seconds: 4.1)) == "image: changed in 4.1 s")
        #expect(
            EventText.line(.result(RunResult(status: .ok, warnings: ["open"])))
                == "warning: open\neverything was in order: nothing changed")
        #expect(EventText.line(.result(RunResult(status: .ok, changed: 2)))?.contains("2 steps") == true)
        #expect(EventText.line(.result(RunResult(status: .ok, changed: 2))) == "done: 2 steps changed something")
        let connections = TestMachine.topology().connections
        #expect(
            EventText.line(.result(RunResult(status: .ok, changed: 2, connections: connections)))
                == "the cluster is up: 2 steps changed something")
        let plan = [
            PlannedStep(id: "a", title: "", dependencies: [], action: .none),
            PlannedStep(id: "b", title: "", dependencies: [], action: .create),
        ]
        #expect(EventText.line(.plan(plan)) == "plan: 1 of 2 steps have something to do")
        #expect(EventText.line(.stepOutput(step: "a", line: "x")) == nil)
    }

    /// A client without a password chooses what a server logs of it: its user's name.
    @Test func whatOthersMakeContainersSayIsHarmlessOnATerminal() throws {
        let line = "FATAL:\tno entry for user \"\u{1b}]52;c;aWQ=\u{7}\u{9b}2J\u{202e}\u{1b}[2J\""
        func isHarmless(_ text: String) -> Bool {
            !text.unicodeScalars.contains { !"\t\n".unicodeScalars.contains($0) && $0.isHarmfulInTerminals }
        }
        for named in [true, false] {
            let shown = AgentLogsCommand.shown(line, of: "pgnode1", named: named, json: false)
            #expect(shown.hasPrefix(named ? "pgnode1: FATAL:\tno entry" : "FATAL:\tno entry") && isHarmless(shown))
        }
        let object = AgentLogsCommand.shown(line, of: "pgnode1", named: true, json: true)
        #expect(try object == JSONText.line(["container": "pgnode1", "line": line]))
        let error = PgafError(.nodeFailed, line, remedy: "r", output: [line])
        let failure = try #require(EventText.line(.result(RunResult(status: .failed, error: error, warnings: [line]))))
        #expect(!isHarmless(failure))
        let shown = Output.shown(failure)
        #expect(isHarmless(shown) && shown.split(separator: "\n").count == failure.split(separator: "\n").count)
    }

    /// An engine that has these containers, each of which wrote one line.
    private func engine(_ containers: String...) -> ScriptedRunner {
        let objects = containers.map {
            #"{"Name":"/\#($0)","State":{"Status":"running","Running":true,"ExitCode":0},"Config":{"Labels":{}}}"#
        }
        return ScriptedRunner().on("docker", "version", prints: "27.5.1\n")
            .on("docker", "container", "inspect", prints: "[\(objects.joined(separator: ","))]\n", status: 1)
            .on("docker", "logs", prints: "a line\n")
    }

    /// What is read of containers, and how that ends.
    private func logs(
        of containers: [String], _ engine: ScriptedRunner, _ arguments: String...
    ) async throws -> (lines: [String], error: PgafError?) {
        let verb = try #require(try AgentCommand.parseAsRoot(["logs"] + arguments) as? AgentLogsCommand)
        let lines = Mutex<[String]>([])
        do {
            try await verb.read(containers, runner: engine) { line, name in
                lines.withLock { $0.append("\(name): \(line)") }
            }
            return (lines.withLock { $0 }, nil)
        } catch let error as PgafError {
            return (lines.withLock { $0 }, error)
        }
    }

    @Test func logsOfAContainerThatIsMissingAreAFailureAfterTheOthers() async throws {
        let engine = engine("monitor", "pgnode1")
        let some = try await logs(of: ["monitor", "pgnode2", "pgnode1"], engine)
        #expect(some.lines == ["monitor: a line", "pgnode1: a line"])
        #expect(some.error?.code == .clusterNotFound && some.error?.message.contains("pgnode2") == true)
        #expect(some.error?.remedy.contains("pgaf-host up") == true)
        #expect(engine.lines.filter { $0[1] == "logs" }.map(\.last) == ["monitor", "pgnode1"])
        let followed = try await logs(of: ["pgnode2"], engine, "pgnode2", "--follow")
        #expect(followed.lines == [] && followed.error?.code == .clusterNotFound)
        let all = try await logs(of: ["pgnode1"], engine)
        #expect(all.lines == ["pgnode1: a line"] && all.error == nil)
    }

    @Test func logsOfAnEngineThatIsGoneAreItsFailure() async throws {
        let engine = ScriptedRunner().on("docker", status: 1, error: "Cannot connect to the Docker daemon")
        let gone = try await logs(of: ["pgnode1"], engine)
        #expect(gone.lines == [] && gone.error?.code == .dockerUnavailable)
        #expect(gone.error?.remedy.contains("pgaf-host up") == true)
    }

    @Test func logsThatCannotBeReadAreAFailureUnlessTheyAreFollowed() async throws {
        let engine = engine("pgnode1").on("docker", "logs", prints: "a line\n", status: 1, error: "no log driver")
        let read = try await logs(of: ["pgnode1"], engine)
        #expect(read.error?.code == .dockerFailed && read.error?.output == ["no log driver"])
        #expect(try await logs(of: ["pgnode1"], engine, "pgnode1", "--follow").error == nil)
    }

    @Test func rootFindsTheSystemsProgramsWithAnOrdinaryUsersPath() {
        #expect(
            ProgramPath.withSystemPrograms("/opt/a:/usr/bin:/bin")
                == "/opt/a:/usr/bin:/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin")
        #expect(ProgramPath.withSystemPrograms(nil).hasPrefix("/usr/local/sbin:"))
    }
}
