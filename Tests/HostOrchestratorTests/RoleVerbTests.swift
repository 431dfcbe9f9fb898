import Foundation
import Shared
import Synchronization
import Testing

@testable import HostOrchestrator

/// `switchover`, `failover` and `maintenance` against a scripted agent.
@Suite struct RoleVerbTests {
    private static let roles = RoleChange(
        verb: "switchover", node: nil, from: "pgnode1", to: "pgnode2", secondsWithoutWrites: 3.1, resolution: 0.04,
        secondsUntilHealthy: 5.5,
        states: [.init(seconds: 0, node: "pgnode1", reported: "primary", assigned: "draining")],
        formation: ScriptedAgent.formation)

    private static func result(_ result: RunResult) -> [Event.Body] {
        [
            .plan([PlannedStep(id: "handover", title: "another node takes over", dependencies: [], action: .change)]),
            .stepStarted(step: "handover"),
            .stepProgress(step: "handover", fraction: nil, message: "pgnode1 is primary, to become draining"),
            .stepFinished(step: "handover", outcome: .changed, seconds: 3), .result(result),
        ]
    }

    private func host(_ verb: String, _ result: RunResult) throws -> TestHost {
        let machine = ScriptedMachine(verbs: [
            verb: { arguments, emit in
                let run = arguments[(arguments.firstIndex(of: "--run") ?? 0) + 1]
                try await ScriptedAgent(run: run, emit: emit).send(Self.result(result))
                return .exited(result.error?.code.exitCode ?? 0)
            }
        ])
        let host = TestHost(machine)
        try host.scratch.project.prepare()
        try ClusterMemory(host.configuration).save(in: host.scratch.project)
        return host
    }

    private func give(
        _ order: RoleOrder, json: Bool = false, progress: ProgressMode = .plain, on host: TestHost
    ) async throws {
        try await RoleVerb.run(RoleVerb.Options(order: order, json: json, progress: progress), in: host.context())
    }

    private static let refused = PgafError(.failoverRefused, "no candidate", remedy: "Look.")

    @Test func whatItCameToIsSaidAndProgressIsShown() async throws {
        let host = try host("switchover", RunResult(status: .ok, changed: 1, warnings: ["w"], roles: Self.roles))
        try await give(.switchover(to: "pgnode2"), on: host)
        #expect(host.output.lines.first == "pgnode2 is primary now, pgnode1 was it before")
        #expect(host.output.lines[1].hasPrefix("clients could not write for 3.1 s"))
        #expect(host.errors.text.contains("pgnode1 is primary, to become draining"))
        #expect(host.errors.text.contains("warning: w"))
        let run = try #require(MachineFiles().list(host.scratch.project.runs).last)
        #expect(
            host.machine.executed.last?.arguments == [
                "sudo", "-n", "/usr/local/bin/pgaf-agent", "switchover", "--to", "pgnode2", "--events", "--run", run,
                "--cluster", "pgaf",
            ])
        #expect(host.machine.story == ["connect", "close"])
        #expect(try host.events().last?.body.type == "result")
    }

    @Test func asOneObject() async throws {
        let host = try host("failover", RunResult(status: .ok, changed: 1, roles: Self.roles))
        try await give(.failover(node: nil, way: .crash), json: true, progress: .none, on: host)
        let read = try JSONDecoder().decode(RoleChange.self, from: Data(host.output.text.utf8))
        var expected = Self.roles
        for index in expected.formation.nodes.indices {
            // As the scripted machine forwards it.
            expected.formation.nodes[index].publishedPort = expected.formation.nodes[index].publishedPort.map {
                $0 + 10_000
            }
        }
        #expect(read == expected)
    }

    @Test func aRefusalIsShownWithItsCode() async throws {
        let host = try host("maintenance", RunResult(status: .failed, error: Self.refused))
        let order = RoleOrder.maintenance(node: "pgnode1", turn: .enable)
        let thrown = await #expect(throws: ReportedFailure.self) { try await give(order, on: host) }
        #expect(thrown?.exitCode == 75)
        #expect(host.errors.text.contains("error: no candidate"))
        // With --json the program prints it, as every verb's failure.
        let known = await #expect(throws: PgafError.self) { try await give(order, json: true, on: host) }
        #expect(known == Self.refused)
    }

    @Test func aLostLinkIsFollowedByAnother() async throws {
        let lost = Mutex(false)
        let machine = ScriptedMachine(verbs: [
            "switchover": { arguments, emit in
                let run = arguments[(arguments.firstIndex(of: "--run") ?? 0) + 1]
                lost.withLock { $0 = true }
                try await ScriptedAgent(run: run, emit: emit).send(
                    Array(Self.result(RunResult(status: .ok)).prefix(2)))
                throw PgafError(.linkLost, "gone", remedy: "")
            },
            "follow": { arguments, emit in
                let bodies = Self.result(RunResult(status: .ok, changed: 1, roles: Self.roles))
                let since = Int(arguments[(arguments.firstIndex(of: "--since") ?? 0) + 1]) ?? 0
                try await ScriptedAgent(run: arguments.last ?? "", emit: emit).send(
                    Array(bodies.dropFirst(since)), from: since + 1)
                return .exited(0)
            },
        ])
        let host = TestHost(machine)
        try host.scratch.project.prepare()
        try ClusterMemory(host.configuration).save(in: host.scratch.project)
        try await give(.switchover(to: nil), on: host)
        #expect(lost.withLock { $0 })
        #expect(host.output.lines.first == "pgnode2 is primary now, pgnode1 was it before")
        #expect(host.machine.story == ["connect", "connect", "close", "close"])
    }

    @Test func attachShowsItToo() async throws {
        let run = RunIdentifier.new()
        let machine = ScriptedMachine(verbs: [
            "follow": { _, emit in
                try await ScriptedAgent(run: run, emit: emit).send(
                    Self.result(RunResult(status: .ok, changed: 1, roles: Self.roles)))
                return .exited(0)
            }
        ])
        let host = TestHost(machine)
        try host.scratch.project.prepare()
        try ClusterMemory(host.configuration).save(in: host.scratch.project)
        try await Attach.run(Attach.Options(progress: .none), in: host.context())
        #expect(host.output.lines.first == "pgnode2 is primary now, pgnode1 was it before")
    }
}
