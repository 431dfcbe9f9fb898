import Foundation
import Shared
import TestSupport
import Testing

@testable import HostOrchestrator

/// The verbs that come after `up`, against a scripted machine.
@Suite struct VerbTests {
    private static func answer(_ state: FormationState) throws -> CommandResult {
        CommandResult(standardOutput: String(decoding: try JSONEncoder().encode(state), as: UTF8.self))
    }

    private func host(
        _ answers: [String: CommandResult] = [:], verbs: [String: ScriptedMachine.Verb] = [:]
    ) async throws -> TestHost {
        let host = TestHost(ScriptedMachine(answers: answers, verbs: verbs))
        try host.scratch.project.prepare()
        _ = try await PasswordStore(project: host.scratch.project, environment: [:]).keeping(PasswordSettings())
        try ClusterMemory(host.configuration).save(in: host.scratch.project)
        try MachineFiles().write("a certificate", to: host.scratch.project.certificateAuthority, mode: 0o644)
        return host
    }

    @Test func statusIsATable() async throws {
        let host = try await host(["status --json --cluster pgaf": try Self.answer(ScriptedAgent.formation)])
        try await Status.run(ConfigurationChoice(), json: false, in: host.context())
        #expect(
            host.output.text == """
                cluster pgaf, formation default: NOT healthy (monitor container running)

                NODE     ADDRESS       PORT   STATE                    HEALTH  LSN        LAG      PRIORITY  QUORUM  CONTAINER
                pgnode1  pgnode1:5432  15001  primary                  good    0/3000148  -        -         -       running
                pgnode2  pgnode2:5432  -      catchingup -> secondary  bad     -          5.0 MiB  -         -       -

                note: pgnode2 is catching up

                """)
        #expect(
            host.machine.executed.last?.arguments == [
                "sudo", "-n", "/usr/local/bin/pgaf-agent", "status", "--json", "--cluster", "pgaf",
            ])
    }

    @Test func statusSaysWhatIsAwaitedAndWhatToType() async throws {
        var state = ScriptedAgent.formation
        state.awaited = [
            .init(
                name: "pgnode2", text: "pgnode2 is to become \u{1b}[2Jsecondary: normally 2 to 14 s",
                normally: .init(least: 2, most: 14)),
            .init(name: "pgnode3", text: "pgnode3 is paused: `pgaf-host up`", command: "pgaf-host up"),
        ]
        let host = try await host(["status --json --cluster pgaf": try Self.answer(state)])
        try await Status.run(ConfigurationChoice(), json: false, in: host.context())
        #expect(
            host.output.text.hasSuffix(
                """
                -

                awaited: pgnode2 is to become ·[2Jsecondary: normally 2 to 14 s
                to do: pgnode3 is paused: `pgaf-host up`

                """))
        #expect(!host.output.text.contains("note:"))
    }

    @Test func statusIsJSONToo() async throws {
        let host = try await host(["status --json --cluster pgaf": try Self.answer(ScriptedAgent.formation)])
        try await Status.run(ConfigurationChoice(), json: true, in: host.context())
        let decoded = try JSONDecoder().decode(FormationState.self, from: Data(host.output.text.utf8))
        var formation = ScriptedAgent.formation
        // As it is forwarded: what `auto_correct` has moved is of use only where it is now.
        formation.nodes[0].publishedPort = 15001
        #expect(decoded == formation)
    }

    @Test func theAgentsOwnErrorIsPassedOn() async throws {
        let error = """
            {"error":{"code":"cluster.not-found","message":"no \\u001b[2Jcluster","remedy":"Run `pgaf-host up`.","output":[]}}
            """
        let host = try await host(["status --json --cluster pgaf": CommandResult(status: 69, standardOutput: error)])
        let thrown = await #expect(throws: PgafError.self) {
            try await Status.run(ConfigurationChoice(), json: false, in: host.context())
        }
        #expect(thrown?.code == .clusterNotFound)
        #expect(thrown?.message == "no ·[2Jcluster")
    }

    @Test func aMachineWithoutAnAgentSaysSo() async throws {
        let host = try await host()
        let thrown = await #expect(throws: PgafError.self) {
            try await Status.run(ConfigurationChoice(), json: false, in: host.context())
        }
        #expect(thrown?.code == .agentMissing)
    }

    @Test func uriUsesThePortsOfTheHostAndHidesPasswords() async throws {
        let host = try await host()
        try await Uri.run(Uri.Options(), in: host.context())
        #expect(
            host.output.lines[1] == "pgnode1       postgresql://postgres@127.0.0.1:15001/myappdb?"
                + "sslmode=verify-full&sslrootcert=\(host.scratch.project.certificateAuthority)")
        #expect(host.output.lines[5] == "pooler        127.0.0.1:16432, for one of your own (docs/pooler.md)")
        #expect(host.output.lines.count == 7)
        try await Uri.run(Uri.Options(showPassword: true, json: true), in: host.context())
        #expect(host.output.text.contains(#""port" : 16432"#))
        let secret = try await PasswordStore(project: host.scratch.project, environment: [:])
            .resolve(PasswordSettings(), missing: .refused).superuser
        #expect(host.output.text.contains("postgresql://postgres:\(secret.revealed)@127.0.0.1:15001/"))
    }

    /// Who puts a pooler on a machine of his own also says where it is published there.
    @Test func onlyAVirtualMachineForwardsThePoolersPort() async throws {
        var host = try await host()
        host.configuration.machine.kind = .ssh
        try ClusterMemory(host.configuration).save(in: host.scratch.project)
        try await Uri.run(Uri.Options(json: true), in: host.context())
        #expect(!host.output.text.contains("pooler"))
    }

    @Test func oneStringAloneIsForOtherPrograms() async throws {
        for (name, part) in [
            ("pgnode1", "postgres@127.0.0.1:15001/"), ("monitor_node", "autoctl_node@"),
            ("cluster", "target_session_attrs=read-write"),
        ] {
            let host = try await host()
            try await Uri.run(Uri.Options(only: name), in: host.context())
            #expect(host.output.text.hasPrefix("postgresql://") && host.output.text.contains(part), "\(name)")
            #expect(host.output.text.split(separator: "\n").count == 1)
        }
        let host = try await host()
        let unknown = await #expect(throws: PgafError.self) {
            try await Uri.run(Uri.Options(only: "pgnode9"), in: host.context())
        }
        #expect(unknown?.code == .usage && host.machine.story.isEmpty)
    }

    /// Any server would do for a client that cannot tell the cluster's from others, and may be told a password.
    @Test func withoutTheAuthorityNothingIsConnectedTo() async throws {
        var host = try await host()
        host.programs["psql"] = "/usr/bin/psql"
        try MachineFiles().remove(host.scratch.project.certificateAuthority)
        let context = host.context()
        for verb in [
            { try await Uri.run(Uri.Options(), in: context) }, { try await Psql.run(Psql.Options(), in: context) },
        ] {
            let error = await #expect(throws: PgafError.self) { try await verb() }
            #expect(error?.code == .certificateFailed && error?.remedy.contains("pgaf-host up") == true)
        }
        #expect(host.output.text.isEmpty)
    }

    @Test func psqlTakesTheHostsOwnClient() async throws {
        var host = try await host()
        host.programs["psql"] = "/usr/bin/psql"
        let replaced = TextRecord()
        try await Psql.run(Psql.Options(), in: host.context(replacing: replaced))
        #expect(replaced.text.hasPrefix("PGPASSFILE=\(host.scratch.project.passwordFile) /usr/bin/psql --dbname "))
        #expect(host.scratch.mode(host.scratch.project.passwordFile) == 0o600)
    }

    @Test func psqlWithoutAClientGoesIntoThePrimarysContainer() async throws {
        let host = try await host(["status --json --cluster pgaf": try Self.answer(ScriptedAgent.formation)])
        let replaced = TextRecord()
        try await Psql.run(Psql.Options(arguments: ["-c", "select 1"]), in: host.context(replacing: replaced))
        #expect(
            replaced.text
                == "ssh test sudo -n docker exec -i -u postgres pgnode1 psql --dbname myappdb -c 'select 1'")
    }

    @Test func anUnknownNodeIsAUsageError() async throws {
        let host = try await host()
        let thrown = await #expect(throws: PgafError.self) {
            try await Psql.run(Psql.Options(node: "; rm -rf"), in: host.context())
        }
        #expect(thrown?.code == .usage)
        #expect(host.machine.story == [])
    }

    @Test func logsAreCleanedAndKeepTheirTabs() async throws {
        let told = try ["a\tb\r", "\u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7}"].map {
            try JSONText.line(["container": "pgnode1", "line": $0]) + "\n"
        }.joined()
        func logs(_ options: Logs.Options) async throws -> String {
            let host = try await host([
                "logs pgnode1 --tail 5 --json --cluster pgaf": CommandResult(standardOutput: told),
                "logs --json --cluster pgaf": CommandResult(standardOutput: told),
            ])
            try await Logs.run(options, in: host.context())
            return host.output.text
        }
        #expect(try await logs(Logs.Options(node: "pgnode1", tail: 5)) == "a\tb\nred ·]0;title·\n")
        #expect(try await logs(Logs.Options()) == "pgnode1: a\tb\npgnode1: red ·]0;title·\n")
        #expect(try await logs(Logs.Options(json: true)) == told)
    }

    @Test func destroyOnAMachineThatStaysTakesTheClusterDown() async throws {
        var host = try await host(verbs: ["down": ScriptedAgent.telling(Self.removing)])
        host.configuration.machine.kind = .ssh
        try ClusterMemory(host.configuration).save(in: host.scratch.project)
        host.answer = true
        try await Destroy.run(Destroy.Options(progress: .none), in: host.context())
        #expect(
            host.machine.story == [
                "connect", "upload to /usr/local/bin/pgaf-agent, mode 755, as root", "close", "destroy",
            ])
        #expect(
            host.machine.executed.last?.arguments.prefix(6) == [
                "sudo", "-n", "/usr/local/bin/pgaf-agent", "down", "--yes", "--events",
            ])
        #expect(host.errors.text.contains("  their volumes with every database in them: pgnode1_data"))
        #expect(host.errors.text.contains("  the virtual machine \"test\""))
        #expect(!MachineFiles().exists(host.scratch.project.secrets))
        #expect(!MachineFiles().exists(host.scratch.project.memory))
    }

    @Test func aRemovalGoesOnWhenItsLinkIsLost() async throws {
        var host = try await host(verbs: [
            "down": { arguments, emit in
                try await ScriptedAgent(run: ScriptedAgent.run(in: arguments), emit: emit)
                    .send(Array(Self.removing.prefix(2)))
                throw PgafError(.linkLost, "gone", remedy: "")
            },
            "follow": { arguments, emit in
                #expect(arguments.suffix(4).prefix(3) == ["--json", "--since", "2"])
                try await ScriptedAgent(run: arguments.last ?? "", emit: emit)
                    .send(Array(Self.removing.dropFirst(2)), from: 3)
                return .exited(0)
            },
        ])
        host.configuration.machine.kind = .ssh
        try ClusterMemory(host.configuration).save(in: host.scratch.project)
        try await Destroy.run(Destroy.Options(yes: true, progress: .none), in: host.context())
        #expect(host.machine.story.filter { $0 == "connect" }.count == 2 && host.machine.story.last == "destroy")
        #expect(!MachineFiles().exists(host.scratch.project.secrets))
    }

    /// What is left is known, and so can be removed by another one.
    @Test func aRemovalThatFailsForgetsNothing() async throws {
        let error = PgafError(.foreignObject, "Somebody uses the network.", remedy: "Remove it.")
        var host = try await host(verbs: [
            "down": ScriptedAgent.telling([.result(RunResult(status: .failed, error: error))])
        ])
        host.configuration.machine.kind = .ssh
        try ClusterMemory(host.configuration).save(in: host.scratch.project)
        await #expect(throws: ReportedFailure(exitCode: ErrorCode.foreignObject.exitCode)) {
            try await Destroy.run(Destroy.Options(yes: true, progress: .none), in: host.context())
        }
        #expect(host.errors.text.contains("Somebody uses the network.") && !host.machine.story.contains("destroy"))
        #expect(MachineFiles().exists(host.scratch.project.secrets))
        #expect(MachineFiles().exists(host.scratch.project.memory))
    }

    /// What the agent tells of a removal.
    private static let removing: [Event.Body] = [
        .plan([PlannedStep(id: "remove.containers", title: "t", dependencies: [], action: .change)]),
        .stepStarted(step: "remove.containers"),
        .stepFinished(step: "remove.containers", outcome: .changed, seconds: 1),
        .result(RunResult(status: .ok, changed: 1, cluster: ClusterChange(removed: ["container pgnode1"]))),
    ]

    @Test func destroyWithoutATerminalOrConsentDoesNothing() async throws {
        let host = try await host()
        let thrown = await #expect(throws: PgafError.self) {
            try await Destroy.run(Destroy.Options(), in: host.context())
        }
        #expect(thrown?.code == .usage)
        #expect(host.machine.story == [])
        #expect(MachineFiles().exists(host.scratch.project.secrets))
    }

    @Test func theBoxIsMadeOnlyWhenItHasTo() async throws {
        let host = try await host()
        try await BoxBuild.run(BoxBuild.Options(progress: .plain), in: host.context())
        try await BoxBuild.run(BoxBuild.Options(force: true, progress: .plain), in: host.context())
        #expect(
            host.output.lines == [
                "the box is up to date: /cache/a.box",
                "it lacks the image of the cluster's nodes: each machine makes it by itself",
                "made the box /cache/a.box",
                "machines find the image of the cluster's nodes in it (package source debian)", "",
            ])
        #expect(host.errors.text.contains("machine            Make the Debian 13 box ..."))
        #expect(try host.events().last?.body == .result(RunResult(status: .ok, changed: 1)))
    }

    @Test func versionNamesAllThree() async throws {
        let host = try await host([
            "pgaf-agent version": CommandResult(standardOutput: "pgaf-agent 0.1.0\n")
        ])
        try await Versions.run(json: false, in: host.context())
        #expect(
            host.output.text == "pgaf-host \(PgafVersion.current)\nprotocol 1\npgaf-agent 0.1.0\n")
    }
}
