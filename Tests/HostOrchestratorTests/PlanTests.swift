import Foundation
import Shared
import TestSupport
import Testing

@testable import HostOrchestrator

/// `plan` on the host, against a scripted machine.
@Suite struct PlanTests {
    private static let inside = [
        PlannedStep(id: "docker", title: "Docker", dependencies: [], action: .none),
        PlannedStep(
            id: "access.pgnode1", title: "access to pgnode1", dependencies: ["docker"], action: .change,
            changes: ["pgnode1, pg_hba.conf: + host \u{1b}[2Jall"]),
    ]

    private static func answer(_ steps: [PlannedStep], notes: [String] = []) throws -> CommandResult {
        let plan = ClusterPlan(cluster: "pgaf", steps: steps, notes: notes)
        return CommandResult(
            status: plan.exitCode, standardOutput: String(decoding: try JSONEncoder().encode(plan), as: UTF8.self))
    }

    private func host(
        _ outlook: MachineOutlook = MachineOutlook(.running), sendsAgent: Bool = false,
        answer: CommandResult? = nil
    ) -> TestHost {
        let answers = answer.map { ["pgaf-agent plan": $0, "/bin/sh plan": $0] } ?? [:]
        return TestHost(ScriptedMachine(needsWork: sendsAgent, outlook: outlook, answers: answers))
    }

    private func plan(_ host: TestHost, json: Bool = false) async throws -> Int32 {
        try await Plan.run(Plan.Options(json: json), in: host.context())
    }

    @Test func whatTheAgentSaysIsShownCleaned() async throws {
        let host = host(answer: try Self.answer(Self.inside, notes: ["somebody works here"]))
        try host.scratch.project.prepare()
        _ = try await PasswordStore(project: host.scratch.project, environment: [:]).keeping(PasswordSettings())
        try ClusterMemory(host.configuration).save(in: host.scratch.project)
        #expect(try await plan(host) == 2)
        #expect(
            host.output.text == """
                cluster pgaf: `up` would make 1 change in 1 of 3 steps

                ~ access.pgnode1: access to pgnode1
                    pgnode1, pg_hba.conf: + host ·[2Jall

                2 steps have nothing to do

                note: somebody works here

                """)
        #expect(
            host.machine.executed.map(\.arguments) == [
                ["id", "-u"], ["sudo", "-n", "true"], ["sudo", "-n", "/usr/local/bin/pgaf-agent", "plan"],
            ])
        #expect(
            host.machine.story == ["connect", "upload to /usr/local/bin/pgaf-agent, mode 755, as root", "close"])
    }

    @Test func nothingIsWrittenHereAndTheRequestIsThatOfUp() async throws {
        var host = host(answer: try Self.answer([Self.inside[0]]))
        host.configuration.machine.kind = .local
        #expect(try await plan(host) == 0)
        #expect(host.output.text == "cluster pgaf: nothing to change, 2 steps looked at\n")
        #expect(host.scratch.everything().isEmpty)
        #expect(host.machine.story == ["connect", "close"])
        let call = try #require(host.machine.executed.last)
        #expect(call.arguments == ["sudo", "-n", "/bin/sh", "plan"])
        let request = try Request(decoding: Array(try #require(call.input).revealed.utf8))
        #expect(request.configuration == host.configuration)
        #expect(
            request.options.publishEverywhere == false && !request.options.fresh && RunIdentifier.isOne(request.run))
        #expect(!request.options.purge)
    }

    @Test func aPurgeIsPlannedWithoutBeingAskedFor() async throws {
        let host = host(answer: try Self.answer(Self.inside))
        #expect(try await Plan.run(Plan.Options(purge: true), in: host.context()) == 2)
        let input = try #require(host.machine.executed.last?.input)
        #expect(try Request(decoding: Array(input.revealed.utf8)).options.purge && host.questions.text.isEmpty)
    }

    @Test func theClustersOwnPasswordsAreSent() async throws {
        let host = host(answer: try Self.answer(Self.inside))
        try host.scratch.project.prepare()
        let secrets = try await PasswordStore(project: host.scratch.project, environment: [:])
            .keeping(PasswordSettings())
        #expect(try await plan(host) == 2)
        let input = try #require(host.machine.executed.last?.input)
        #expect(try Request(decoding: Array(input.revealed.utf8)).secrets == secrets)
        #expect(try Request(decoding: Array(input.revealed.utf8)).options.publishEverywhere == true)
        #expect(!secrets.all.contains { host.output.text.contains($0.revealed) })
    }

    @Test func inJSONEverythingIsOneObject() async throws {
        let outlook = MachineOutlook(.running, changes: ["Vagrantfile: memory 1 → 2"], notes: ["reload"])
        let host = host(outlook, sendsAgent: true, answer: try Self.answer(Self.inside))
        #expect(try await plan(host, json: true) == 2)
        let plan = try JSONDecoder().decode(ClusterPlan.self, from: Data(host.output.text.utf8))
        #expect(plan.changes == 2 && plan.steps.map(\.id) == ["machine", "docker", "access.pgnode1"])
        #expect(plan.steps[0].action == .change && plan.steps[0].changes == ["Vagrantfile: memory 1 → 2"])
        #expect(plan.notes.count == 2 && plan.notes[0] == "reload" && plan.notes[1].contains("has been put there"))
    }

    @Test func aMachineThatIsNotMadeNeedsNoAgent() async throws {
        var host = host(MachineOutlook(.missing, changes: ["make the virtual machine"]))
        host.environment["PGAF_AGENT"] = "/nowhere/pgaf-agent"
        #expect(try await plan(host) == 2)
        #expect(
            host.output.lines.prefix(4) == [
                "cluster pgaf: `up` would make 1 change in 1 of 1 step", "", "+ machine: virtual machine \"test\"",
                "    make the virtual machine",
            ])
        #expect(host.output.text.contains("note: everything in the machine is made then: Docker, the image"))
        #expect(host.machine.story == [] && host.machine.executed.isEmpty)
    }

    @Test func aStoppedMachineIsNotStarted() async throws {
        let host = host(MachineOutlook(.stopped, changes: ["start it"]))
        #expect(try await plan(host) == 2)
        #expect(host.output.text.contains("~ machine: ") && host.output.text.contains("only while the machine runs"))
        #expect(host.machine.story == [])
    }

    @Test func theAgentsRefusalIsPassedOn() async throws {
        let refusal = #"{"error":{"code":"data.would-be-lost","message":"m","remedy":"r"}}"#
        let host = host(answer: CommandResult(status: 78, standardOutput: refusal))
        #expect(await #expect(throws: PgafError.self) { try await plan(host) }?.code == .dataWouldBeLost)
        #expect(host.machine.story.last == "close" && host.output.text.isEmpty)
    }

    @Test func anythingElseIsNoPlan() async throws {
        let host = host(answer: CommandResult(status: 0, standardOutput: "{}"))
        #expect(await #expect(throws: PgafError.self) { try await plan(host) } != nil)
    }

    @Test func anotherMachineThanTheClustersIsRefusedAsByUp() async throws {
        var host = host(answer: try Self.answer(Self.inside))
        try host.scratch.project.prepare()
        try ClusterMemory(host.configuration).save(in: host.scratch.project)
        host.configuration.machine.kind = .local
        #expect(await #expect(throws: PgafError.self) { try await plan(host) }?.code == .configurationConflict)
        host.configuration.machine.kind = .vagrant
        host.configuration.passwords.client = .environment("UNSET")
        #expect(await #expect(throws: PgafError.self) { try await plan(host) }?.code == .secretUnavailable)
    }
}
