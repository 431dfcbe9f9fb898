import Foundation
import Shared
import Synchronization
import Testing

@testable import HostOrchestrator

/// `stop` and `start` against a scripted agent.
@Suite struct HaltTests {
    private static let stopped = ["pgnode2", "pgnode1", "monitor_node"]
    private static let said = "stopped pgnode2, pgnode1, monitor_node; `pgaf-host start` starts them again\n"

    /// What the agent tells of a stop.
    private static let stopping: [Event.Body] =
        [.plan(stopped.map { PlannedStep(id: "stop.\($0)", title: "\($0) stops", dependencies: [], action: .change) })]
        + stopped.flatMap {
            [.stepStarted(step: "stop.\($0)"), .stepFinished(step: "stop.\($0)", outcome: .changed, seconds: 1)]
        }
        + [.result(RunResult(status: .ok, changed: 3, cluster: ClusterChange(.stop, containers: stopped)))]

    private let options = Halt.Options(progress: .plain)

    @Test func aStopIsShownContainerByContainer() async throws {
        let host = TestHost(ScriptedMachine(verbs: ["stop": ScriptedAgent.telling(Self.stopping)]))
        try await Halt.stop(options, in: host.context())
        #expect(host.output.text == Self.said)
        #expect(host.errors.text.contains("stop.pgnode1       pgnode1 stops ..."))
        let run = try #require(MachineFiles().list(host.scratch.project.runs).last)
        #expect(
            host.machine.executed.last?.arguments == [
                "sudo", "-n", "/usr/local/bin/pgaf-agent", "stop", "--events", "--run", run, "--cluster", "pgaf",
            ])
        #expect(host.machine.story == ["connect", "close"])
        let steps = try host.events().compactMap { event -> String? in
            if case .stepFinished(let step, _, _) = event.body { step } else { nil }
        }
        #expect(steps == ["connect"] + Self.stopped.map { "stop.\($0)" } + ["machine"])
    }

    @Test func aStopGoesOnWhenItsLinkIsLost() async throws {
        let run = Mutex("")
        let host = TestHost(
            ScriptedMachine(verbs: [
                "stop": { arguments, emit in
                    let id = ScriptedAgent.run(in: arguments)
                    run.withLock { $0 = id }
                    try await ScriptedAgent(run: id, emit: emit).send(Array(Self.stopping.prefix(3)))
                    throw PgafError(.linkLost, "gone", remedy: "")
                },
                "follow": { arguments, emit in
                    #expect(arguments.suffix(4) == ["--json", "--since", "3", run.withLock { $0 }])
                    try await ScriptedAgent(run: run.withLock { $0 }, emit: emit)
                        .send(Array(Self.stopping.dropFirst(3)), from: 4)
                    return .exited(0)
                },
            ]))
        try await Halt.stop(options, in: host.context())
        #expect(host.output.text == Self.said)
        #expect(host.machine.story == ["connect", "connect", "close", "close"])
    }

    @Test func attachShowsAStopThatNobodySawTheEndOf() async throws {
        let run = RunIdentifier.new()
        let host = TestHost(
            ScriptedMachine(verbs: [
                "follow": { _, emit in
                    try await ScriptedAgent(run: run, emit: emit).send(Self.stopping)
                    return .exited(0)
                }
            ]))
        try host.scratch.project.prepare()
        try ClusterMemory(host.configuration).save(in: host.scratch.project)
        try await Attach.run(Attach.Options(progress: .plain), in: host.context())
        #expect(host.output.text == Self.said)
    }

    @Test func aCancelledStopSaysHowItGoesOnAndLeavesTheMachine() async throws {
        let error = PgafError(.cancelled, "c", remedy: "r", cause: "not done: stop.pgnode1")
        let host = TestHost(
            ScriptedMachine(verbs: [
                "stop": ScriptedAgent.telling([.result(RunResult(status: .cancelled, error: error))])
            ]))
        let failure = await #expect(throws: ReportedFailure.self) { try await Halt.stop(options, in: host.context()) }
        #expect(failure?.exitCode == 130)
        #expect(host.errors.text.contains("Run `pgaf-host stop` to go on where it stopped."))
        #expect(try !host.events().contains { $0.body == .stepStarted(step: "machine") })
    }

    @Test(arguments: [ErrorCode.clusterNotFound, .agentMissing])
    func whereNothingRunsNothingIsStopped(_ code: ErrorCode) async throws {
        let error = #"{"error":{"code":"\#(code.rawValue)","message":"m","remedy":"r"}}"# + "\n"
        let host = TestHost(
            ScriptedMachine(answers: ["--cluster pgaf": CommandResult(status: 69, standardOutput: error)]))
        try await Halt.stop(options, in: host.context())
        #expect(host.output.text == "nothing ran: nothing was stopped\n")
    }

    @Test func aMachineThatDoesNotRunHasNothingToStop() async throws {
        let host = TestHost(ScriptedMachine(outlook: MachineOutlook(.stopped)))
        try await Halt.stop(options, in: host.context())
        #expect(host.output.text == "nothing ran: nothing was stopped\n")
        #expect(host.machine.story == ["connect"] && !host.errors.text.contains("FAILED"))
    }

    @Test func anAgentOfAnotherReleaseIsToldFromOneThatDied() async throws {
        let words = "Error: Unknown option '--events'\n"
        let host = TestHost(
            ScriptedMachine(answers: ["--cluster pgaf": CommandResult(status: 64, standardError: words)]))
        let failure = await #expect(throws: ReportedFailure.self) { try await Halt.stop(options, in: host.context()) }
        #expect(failure?.exitCode == ErrorCode.protocolMismatch.exitCode)
        #expect(host.errors.text.contains("Unknown option '--events'"))
    }

    @Test func aStartEndsWithTheFormationAsItIsForwarded() async throws {
        let change = ClusterChange(.start, containers: ["pgnode1"], formation: ScriptedAgent.formation)
        let host = TestHost(
            ScriptedMachine(verbs: [
                "start": ScriptedAgent.telling([
                    .stepStarted(step: "settle"), .result(RunResult(status: .ok, cluster: change)),
                ])
            ]))
        try await Halt.start(options, in: host.context())
        #expect(host.output.lines.contains { $0.hasPrefix("pgnode1  pgnode1:5432  15001  primary") })
        #expect(host.machine.story == ["bringUp", "connect", "close"])
    }

    @Test func onlyAMachineThatWasMadeIsStarted() async throws {
        let host = TestHost(ScriptedMachine(outlook: MachineOutlook(.missing)))
        let failure = await #expect(throws: ReportedFailure.self) { try await Halt.start(options, in: host.context()) }
        #expect(failure?.exitCode == ErrorCode.machineNotMade.exitCode)
        #expect(host.machine.story.isEmpty && host.errors.text.contains("Make it and its cluster with `pgaf-host up`"))
    }
}
