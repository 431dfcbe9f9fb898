import Foundation
import Shared
import Synchronization
import Testing

@testable import HostOrchestrator

@Suite struct UpTests {
    /// The agent has seen that its cluster answers inside the machine; clients come from here.
    @Test func aPortOfThisHostThatDoesNotAnswerIsTold() async throws {
        var host = TestHost(
            ScriptedMachine { request, emit in
                try await ScriptedAgent(run: request.run, emit: emit).send(ScriptedAgent.happy(.unchanged))
                return .exited(0)
            })
        host.silentPorts = [15_001]
        #expect(try await host.up() == 0)
        #expect(host.output.text.contains("pgnode1 does not answer on 127.0.0.1:15001 of this host"))
        #expect(!host.output.text.contains("pgnode2 does not answer"))
    }

    /// Who narrows the range to his own network means himself.
    @Test func aRangeThatKeepsOutTheClientsOfThisHostIsTold() async throws {
        var host = TestHost(
            ScriptedMachine { request, emit in
                try await ScriptedAgent(run: request.run, emit: emit).send(ScriptedAgent.happy(.unchanged))
                return .exited(0)
            })
        host.machine.clients.withLock { $0 = IPv4Address("10.0.2.2") }
        let words = "warning: Clients on this computer come through the forwarded ports from the address 10.0.2.2"
        let ranges = [("0.0.0.0/0", false), ("192.168.0.0/16", true), ("10.0.0.0/8", false), ("::/0", true)]
        for (range, isTold) in ranges {
            host.configuration.access.clientCIDR = range
            let said = host.output.text
            #expect(try await host.up() == 0)
            #expect(host.output.text.dropFirst(said.count).contains(words) == isTold, "\(range)")
        }
    }

    /// A machine takes minutes, and could do nothing without it.
    @Test func aMissingAgentIsToldBeforeAMachineIsMade() async throws {
        var host = TestHost(ScriptedMachine())
        host.environment["PGAF_AGENT"] = nil
        #expect(try await host.up() == ErrorCode.agentMissing.exitCode)
        #expect(host.machine.story.isEmpty && host.errors.text.contains("PGAF_AGENT=/path/to/pgaf-agent"))
        #expect(try ClusterMemory.load(host.scratch.project) == nil)
        #expect(!MachineFiles().exists(host.scratch.project.secrets))
    }

    @Test(arguments: [
        (MachineSettings.Kind.local, "sudo pgaf-host"), (MachineSettings.Kind.ssh, "machine.ssh.user: root"),
    ])
    func whoMayNotBecomeRootIsToldWhatHelpsThere(_ kind: MachineSettings.Kind, _ remedy: String) async throws {
        var host = TestHost(ScriptedMachine(answers: ["sudo -n true": CommandResult(status: 1)]))
        host.configuration.machine.kind = kind
        #expect(try await host.up() == ErrorCode.privilegeMissing.exitCode)
        #expect(host.errors.text.contains(remedy) && host.errors.text.contains("NOPASSWD"))
    }

    @Test func theFirstRunTellsTheWholeStory() async throws {
        let host = TestHost(
            ScriptedMachine { request, emit in
                try await ScriptedAgent(run: request.run, emit: emit).send(ScriptedAgent.happy(.changed))
                return .exited(0)
            })
        #expect(try await host.up() == 0)
        #expect(
            host.machine.story == [
                "bringUp", "connect", "upload to /usr/local/bin/pgaf-agent, mode 755, as root", "close",
            ])
        #expect(
            host.machine.executed.map(\.arguments) == [
                ["id", "-u"], ["sudo", "-n", "true"],
                // A first `up` looks like one whose directory has forgotten its cluster.
                ["sudo", "-n", "/usr/local/bin/pgaf-agent", "status", "--json", "--cluster", "pgaf"],
                ["sudo", "-n", "test", "-x", "/usr/local/bin/pgaf-agent"],
                ["sudo", "-n", "/usr/local/bin/pgaf-agent", "up"],
            ])
        let events = try host.events()
        #expect(events.map(\.seq) == Array(1...events.count))
        #expect(
            events.map(\.body.type) == [
                "plan", "step.started", "step.output", "step.finished", "step.started", "step.finished",
                "step.started", "step.progress", "step.finished", "hello", "plan", "step.started", "step.output",
                "step.finished", "state", "result",
            ])
        guard case .result(let result) = events.last?.body else { throw ExpectationFailure() }
        #expect(result.status == .ok)
        #expect(result.changed == 3)
        #expect(result.connections?.nodes.first == .init(name: "pgnode1", address: "127.0.0.1", port: 15_001))
        #expect(host.output.lines.first?.hasPrefix("the cluster pgaf is up: 3 of 4 steps changed something, ") == true)
        #expect(host.output.text.contains("warning: access is open"))
        #expect(host.errors.text.contains("docker             Docker engine ..."))
    }

    @Test func aSecondRunSaysThatNothingChanged() async throws {
        let host = TestHost(
            ScriptedMachine(needsWork: false) { request, emit in
                try await ScriptedAgent(run: request.run, emit: emit).send(ScriptedAgent.happy(.unchanged))
                return .exited(0)
            })
        #expect(try await host.up() == 0)
        let passwords = host.scratch.text(host.scratch.project.secrets)
        #expect(try await host.up() == 0)
        #expect(host.output.lines.first?.hasPrefix("everything was in order: nothing changed, 4 steps, ") == true)
        #expect(host.scratch.text(host.scratch.project.secrets) == passwords)
        #expect(MachineFiles().list(host.scratch.project.runs).count == 2)
    }

    @Test func theRunLeavesItsLogsAndNothingElse() async throws {
        let host = TestHost(
            ScriptedMachine { request, emit in
                try await emit(.standardError(Array("docker: \u{1b}]0;owned\u{7}pulling\n".utf8)))
                try await ScriptedAgent(run: request.run, emit: emit).send(ScriptedAgent.happy(.changed))
                return .exited(0)
            })
        #expect(try await host.up() == 0)
        let project = host.scratch.project
        #expect(host.scratch.mode(project.state) == 0o700)
        #expect(host.scratch.mode(project.secrets) == 0o600)
        #expect(host.scratch.text("\(project.state)/.gitignore") == "*\n")
        #expect(
            MachineFiles().list(project.state) == [".gitignore", "cluster.json", "lock", "runs", "secrets.json"])
        let run = project.run(try #require(MachineFiles().list(project.runs).first))
        #expect(MachineFiles().list(run) == ["agent.log", "events.jsonl"])
        #expect(host.scratch.text("\(run)/events.jsonl").contains("\"==> default: Booting VM...\""))
        #expect(host.scratch.text("\(run)/agent.log") == "docker: ·]0;owned·pulling\n")
        #expect(try ClusterMemory.load(project)?.configuration == host.configuration)
    }

    @Test func aFailingStepIsShownWithItsRemedyAndItsLog() async throws {
        let failure = PgafError(
            .imageBuildFailed, "The image could not be built.", remedy: "Run `pgaf-host up` again.",
            output: ["E: \u{1b}[2Jno \u{202e}space"])
        let host = TestHost(
            ScriptedMachine { request, emit in
                try await ScriptedAgent(run: request.run, emit: emit).send([
                    .stepStarted(step: "image"), .stepFailed(step: "image", error: failure, seconds: 2),
                    .stepOutput(step: "image", line: "put back"),
                    .result(RunResult(status: .failed, error: failure)),
                ])
                return .exited(69)
            })
        #expect(try await host.up() == 69)
        // A failed step is not the end of the run.
        #expect(try host.events().suffix(3).map(\.body.type) == ["step.failed", "step.output", "result"])
        #expect(host.errors.text.contains("error: The image could not be built."))
        #expect(host.errors.text.contains("    E: ·[2Jno ·space\n"))
        #expect(host.errors.text.contains("  what to do: Run `pgaf-host up` again.\n  code: image.build-failed\n"))
        #expect(host.errors.text.contains("  log: \(host.scratch.project.runs)/"))
        #expect(!host.errors.text.contains("\u{1b}"))
        #expect(host.output.text == "")
        #expect(host.machine.story.last == "close")
    }

    @Test func inJSONModeTheEventsAreTheOutputAndTheResultIsLast() async throws {
        let host = TestHost(
            ScriptedMachine { request, emit in
                try await ScriptedAgent(run: request.run, emit: emit).send(ScriptedAgent.happy(.changed))
                return .exited(0)
            })
        #expect(try await host.up(Up.Options(progress: .json)) == 0)
        let events = try host.output.lines.dropLast().map { try EventCoding.decode($0) }
        #expect(try events == host.events())
        #expect(events.last?.body.type == "result")
        #expect(host.errors.text == "")
    }

    @Test func secretsGoOnlyThroughStandardInput() async throws {
        var host = TestHost(
            ScriptedMachine { request, emit in
                let leak = request.secrets.superuser.revealed
                let agent = ScriptedAgent(run: request.run, emit: emit)
                try await emit(.standardError(Array("connecting with \(leak)\n".utf8)))
                try await agent.send([.stepOutput(step: "monitor", line: "postgres://u:\(leak)@h")])
                try await agent.send([.result(RunResult(status: .ok, warnings: ["leak \(leak)"]))], from: 2)
                return .exited(0)
            })
        host.environment["PW"] = "from-the-environment"
        host.configuration.passwords.client = .environment("PW")
        #expect(try await host.up() == 0)
        let stored = try JSONDecoder().decode(
            [String: String].self, from: Data(host.scratch.text(host.scratch.project.secrets).utf8))
        #expect(stored.keys.sorted() == ["monitor", "replication", "superuser"])
        let secrets = stored.values + ["from-the-environment"]
        let request = try #require(host.machine.executed.last?.input?.revealed)
        for secret in secrets {
            #expect(request.contains(secret))
            #expect(!host.machine.executed.contains { $0.arguments.contains { $0.contains(secret) } })
            #expect(!host.output.text.contains(secret))
            #expect(!host.errors.text.contains(secret))
            for (name, text) in host.scratch.everything() where !name.hasSuffix("secrets.json") {
                #expect(!text.contains(secret), "\(name) contains a secret")
            }
        }
        #expect(host.output.text.contains("warning: leak ••••"))
    }

    @Test func freshAsksAndSaysWhatGoes() async throws {
        var host = TestHost(ScriptedMachine())
        host.answer = false
        let options = Up.Options(fresh: true, progress: .plain)
        let refused = await #expect(throws: PgafError.self) { try await Up.run(options, in: host.context()) }
        #expect(refused?.code == .cancelled)
        #expect(host.errors.text.contains("pgnode1_data, pgnode2_data, pgnode3_data, monitor_node_data"))
        #expect(host.questions.text == "Make a fresh cluster and lose this data?")
        #expect(host.machine.story == [])
        host.answer = nil
        let unanswered = await #expect(throws: PgafError.self) { try await Up.run(options, in: host.context()) }
        #expect(unanswered?.code == .usage)
        #expect(unanswered?.code.exitCode == 64)
    }

    @Test func purgeAsksAndIsHandedOn() async throws {
        var host = TestHost(
            ScriptedMachine { request, emit in
                #expect(request.options.purge && !request.options.fresh)
                try await ScriptedAgent(run: request.run, emit: emit).send(ScriptedAgent.happy(.changed))
                return .exited(0)
            })
        host.answer = false
        let options = Up.Options(purge: true, progress: .plain)
        let refused = await #expect(throws: PgafError.self) { try await Up.run(options, in: host.context()) }
        #expect(refused?.code == .cancelled && host.machine.story == [])
        #expect(host.errors.text.contains("no node of the configuration (pgnode1, pgnode2, pgnode3)"))
        host.answer = true
        try await Up.run(options, in: host.context())
        #expect(host.machine.story.contains("connect"))
        host.answer = nil
        let unanswered = await #expect(throws: PgafError.self) { try await Up.run(options, in: host.context()) }
        #expect(unanswered?.code == .usage)
        try await Up.run(Up.Options(purge: true, yes: true, progress: .plain), in: host.context())
    }

    @Test func aDirectoryKeepsItsCluster() async throws {
        var host = TestHost(
            ScriptedMachine { request, emit in
                try await ScriptedAgent(run: request.run, emit: emit).send(ScriptedAgent.happy(.changed))
                return .exited(0)
            })
        #expect(try await host.up() == 0)
        host.configuration.machine.kind = .local
        let error = await #expect(throws: PgafError.self) { try await host.up() }
        #expect(error?.code == .configurationConflict)
        #expect(error?.remedy.contains("--machine vagrant") == true)
    }

    /// Another run is at work in the machine: what this directory knows of the cluster stays true.
    @Test func aRefusedRunLeavesWhatWasKnown() async throws {
        let refuses = Mutex(false)
        var host = TestHost(
            ScriptedMachine { request, emit in
                let agent = ScriptedAgent(run: request.run, emit: emit)
                guard refuses.withLock({ $0 }) else {
                    try await agent.send(ScriptedAgent.happy(.changed))
                    return .exited(0)
                }
                let error = PgafError(.clusterLocked, "m", remedy: "r")
                try await agent.send([.result(RunResult(status: .failed, error: error))])
                return .exited(75)
            })
        #expect(try await host.up() == 0)
        let project = host.scratch.project
        let (memory, secrets) = (host.scratch.text(project.memory), host.scratch.text(project.secrets))
        refuses.withLock { $0 = true }
        host.configuration.postgres.database = "shop"
        #expect(try await host.up() == 75)
        let rotation = await #expect(throws: ReportedFailure.self) {
            try await PasswordRotation.run([], Up.Options(progress: .plain), in: host.context())
        }
        #expect(rotation?.exitCode == 75)
        #expect(host.scratch.text(project.memory) == memory && host.scratch.text(project.secrets) == secrets)
    }

    /// A mistyped host is not the directory's for ever, and a cluster that is there is not forgotten for one that is not.
    @Test func aMachineThatDoesNotAnswerChangesNothingThatIsKnown() async throws {
        var host = TestHost(
            ScriptedMachine { request, emit in
                try await ScriptedAgent(run: request.run, emit: emit).send(ScriptedAgent.happy(.changed))
                return .exited(0)
            })
        let project = host.scratch.project
        host.configuration.machine.kind = .ssh
        host.configuration.machine.ssh.host = "mistyped"
        host.machine.isSilent.withLock { $0 = true }
        #expect(try await host.up() == 69)
        #expect(try ClusterMemory.load(project) == nil)
        host.machine.isSilent.withLock { $0 = false }
        host.configuration.machine.ssh.host = "right"
        #expect(try await host.up() == 0)
        let (memory, secrets) = (host.scratch.text(project.memory), host.scratch.text(project.secrets))
        host.machine.isSilent.withLock { $0 = true }
        host.configuration.postgres.database = "shop"
        #expect(try await host.up() == 69)
        #expect(host.scratch.text(project.memory) == memory && host.scratch.text(project.secrets) == secrets)
        // A virtual machine that was made is found again.
        let other = TestHost(ScriptedMachine())
        other.machine.isSilent.withLock { $0 = true }
        #expect(try await other.up() == 69)
        #expect(try ClusterMemory.load(other.scratch.project) != nil)
    }

    @Test func aRotationChangesPasswordsAndNothingElse() async throws {
        let requests = Mutex<[Request]>([])
        var host = TestHost(
            ScriptedMachine { request, emit in
                requests.withLock { $0.append(request) }
                try await ScriptedAgent(run: request.run, emit: emit).send(ScriptedAgent.happy(.changed))
                return .exited(0)
            })
        host.configuration.machine.kind = .local
        host.configuration.access.clientCIDR = "10.0.0.0/8"
        #expect(try await host.up() == 0)
        // Flags of the first `up`, which nobody repeats.
        host.configuration = Configuration()
        try await PasswordRotation.run([], Up.Options(progress: .plain), in: host.context())
        let all = requests.withLock { $0 }
        #expect(all.count == 2 && all[0].configuration == all[1].configuration)
        #expect(all[0].secrets.superuser.revealed != all[1].secrets.superuser.revealed)
    }

    /// A machine that wants to be started anew; what its agent, perhaps of another release, says of a plan counts only where
    /// it refuses the request.
    private func reloading(_ stop: CommandResult) -> TestHost {
        TestHost(
            ScriptedMachine(reloads: true, answers: ["stop --json --cluster pgaf": stop]) { request, emit in
                try await ScriptedAgent(run: request.run, emit: emit).send(ScriptedAgent.happy(.changed))
                return .exited(0)
            })
    }

    @Test func theClusterIsStoppedInOrderBeforeItsMachineIsStartedAnew() async throws {
        let host = reloading(CommandResult(standardOutput: #"{"stopped":["pgnode2","pgnode1","monitor_node"]}"#))
        #expect(try await host.up() == 0)
        #expect(host.machine.story.prefix(5) == ["bringUp", "connect", "close", "reload", "connect"])
        let words = host.machine.executed.map(\.arguments)
        let stop = try #require(words.firstIndex { $0.suffix(4) == ["stop", "--json", "--cluster", "pgaf"] })
        #expect(try stop < #require(words.firstIndex { $0.last == "up" }))
        #expect(
            try host.events().contains {
                $0.body == .stepOutput(step: "machine", line: "stopped pgnode2, pgnode1, monitor_node")
            })
    }

    @Test func aRunAtWorkInTheMachineIsNotCutOff() async throws {
        let host = reloading(
            CommandResult(
                status: 75, standardOutput: #"{"error":{"code":"cluster.locked","message":"m","remedy":"r"}}"#))
        #expect(try await host.up() == 75)
        #expect(host.machine.story == ["bringUp", "connect", "close"])
    }

    @Test(arguments: [("data.would-be-lost", 78), ("network.conflict", 69)])
    func whatTheAgentWouldRefuseIsRefusedWhileTheClusterRuns(_ code: String, _ status: Int32) async throws {
        let plan = CommandResult(
            status: status, standardOutput: #"{"error":{"code":"\#(code)","message":"m","remedy":"r"}}"#)
        let host = TestHost(
            ScriptedMachine(reloads: true, answers: ["plan": plan]) { _, _ in
                Issue.record("nothing was to be begun")
                return .exited(0)
            })
        #expect(try await host.up() == status)
        #expect(host.machine.story == ["bringUp", "connect", "close"])
        #expect(!host.machine.executed.contains { $0.arguments.contains("stop") })
    }

    @Test func aMachineWithoutAClusterIsStartedAnewAllTheSame() async throws {
        let host = reloading(
            CommandResult(
                status: 69, standardOutput: #"{"error":{"code":"cluster.not-found","message":"m","remedy":"r"}}"#))
        #expect(try await host.up() == 0)
        #expect(host.machine.story.contains("reload"))
    }

    @Test func onThisMachineTheAgentRunsFromWhereItIs() async throws {
        var host = TestHost(
            ScriptedMachine { request, emit in
                #expect(request.options.publishEverywhere == false)
                try await ScriptedAgent(run: request.run, emit: emit).send(ScriptedAgent.happy(.changed))
                return .exited(0)
            })
        host.configuration.machine.kind = .local
        #expect(try await host.up() == 0)
        #expect(host.machine.story == ["bringUp", "connect", "close"])
        #expect(host.machine.executed.last?.arguments == ["sudo", "-n", "/bin/sh", "up"])
    }
}

struct ExpectationFailure: Error {}
