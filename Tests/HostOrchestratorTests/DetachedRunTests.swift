import Foundation
import Shared
import Synchronization
import Testing

@testable import HostOrchestrator

/// A run goes on in the machine whatever happens to the host: links that break, Ctrl-C, another terminal.
@Suite(.timeLimit(.minutes(1))) struct DetachedRunTests {
    private static let broken = PgafError(.linkLost, "The connection broke.", remedy: "?")

    @Test func aLostLinkIsMadeAgainAndTheRunGoesOnAfterTheLastEvent() async throws {
        let sinces = Mutex<[String]>([])
        let id = Mutex("")
        let machine = ScriptedMachine(
            verbs: [
                "follow": { arguments, emit in
                    let since = try #require(arguments.firstIndex(of: "--since").map { arguments[$0 + 1] })
                    sinces.withLock { $0.append(since) }
                    let agent = ScriptedAgent(run: id.withLock { $0 }, emit: emit)
                    if since == "2" {
                        try await agent.send([.stepOutput(step: "docker", line: "more")], from: 3)
                        throw Self.broken
                    }
                    try await agent.send(
                        [
                            .stepFinished(step: "docker", outcome: .changed, seconds: 1),
                            .result(RunResult(status: .ok, changed: 1)),
                        ], from: 4)
                    return .exited(0)
                }
            ]
        ) { request, emit in
            id.withLock { $0 = request.run }
            let agent = ScriptedAgent(run: request.run, emit: emit)
            try await agent.send([.stepStarted(step: "docker"), .stepOutput(step: "docker", line: "one")])
            // Half a line of the next event is on its way when the link breaks.
            try await emit(.standardOutput(Array("{\"v\":1,\"ru".utf8)))
            throw Self.broken
        }
        let host = TestHost(machine)
        #expect(try await host.up() == 0)
        #expect(sinces.withLock { $0 } == ["2", "3"])
        let outputs = try host.events().compactMap { event in
            if case .stepOutput("docker", let line) = event.body { line } else { nil }
        }
        #expect(outputs == ["one", "more"])
        #expect(host.errors.text.contains(": the machine to answer again; the run goes on in it"))
        #expect(machine.story.filter { $0 == "connect" }.count == 3)
        #expect(machine.story.filter { $0 == "close" }.count >= 3)
    }

    @Test func aRequestThatMayNotHaveArrivedIsSentAgain() async throws {
        let count = Mutex(0)
        let machine = ScriptedMachine { request, emit in
            if count.withLock({ count in
                count += 1
                return count
            }) == 1 {
                throw Self.broken
            }
            try await ScriptedAgent(run: request.run, emit: emit).send(ScriptedAgent.happy(.changed))
            return .exited(0)
        }
        #expect(try await TestHost(machine).up() == 0)
        #expect(count.withLock { $0 } == 2)
    }

    @Test func anotherHostKeyAfterALostLinkIsNotWaitedFor() async throws {
        let machine = ScriptedMachine(
            verbs: [
                "follow": { _, _ in throw PgafError(.hostKeyChanged, "Another key.", remedy: "Find out.") }
            ]
        ) { request, emit in
            try await ScriptedAgent(run: request.run, emit: emit).send([.stepStarted(step: "docker")])
            throw Self.broken
        }
        #expect(try await TestHost(machine).up() == 77)
    }

    /// A run that ends only when it is cancelled, as in the machine.
    private func endless(_ cancelled: @escaping @Sendable () -> Void = {}) -> ScriptedMachine {
        let (signal, raise) = AsyncStream.makeStream(of: Void.self)
        return ScriptedMachine(
            verbs: [
                "cancel": { _, _ in
                    cancelled()
                    raise.yield()
                    return .exited(0)
                }
            ]
        ) { request, emit in
            let agent = ScriptedAgent(run: request.run, emit: emit)
            try await agent.send([.stepStarted(step: "docker")])
            for await _ in signal { break }
            try Task.checkCancellation()
            try await agent.send(
                [
                    .stepFinished(step: "docker", outcome: .changed, seconds: 1),
                    .result(
                        RunResult(
                            status: .cancelled,
                            error: PgafError(.cancelled, "Cancelled.", remedy: "`up`.", cause: "not begun: image"))),
                ], from: 2)
            return .exited(130)
        }
    }

    /// Runs `up` and sends a signal whenever one of the steps starts.
    private func run(
        _ host: TestHost, signalledBy number: Int32, at steps: Set<String>,
        onAnswer answered: @escaping @Sendable () -> Void = {}
    ) async throws {
        let (signals, continuation) = AsyncStream.makeStream(of: Int32.self)
        let display = SignallingDisplay(at: steps, number, continuation, answered: answered)
        try host.scratch.project.prepare()
        let directory = try RunDirectory(in: host.scratch.project)
        let recorder = try RunRecorder(directory, display: display)
        let active = RecordedRun.Active(recorder: recorder, directory: directory, control: RunControl())
        let context = host.context()
        let run = UpRun(context: context, configuration: host.configuration, active: active)
        let dialogue = InterruptDialogue(
            verb: "up", context: context, display: display, control: active.control,
            leave: { await recorder.leave() })
        _ = try await Interrupts.handling(signals, decide: dialogue.decide) {
            try await RecordedRun.recorded("up", recorder) { _ in try await run.run() }
        }
    }

    /// The error of an `up` that gets a signal when the step `docker` starts.
    private func interrupted(_ host: TestHost, by number: Int32) async throws -> PgafError? {
        await #expect(throws: PgafError.self) { try await run(host, signalledBy: number, at: ["docker"]) }
    }

    @Test func inAPipeAnInterruptCancelsAtTheNextStepBoundary() async throws {
        let asked = Mutex(0)
        let host = TestHost(endless { asked.withLock { $0 += 1 } })
        let error = try await interrupted(host, by: SIGINT)
        #expect(error?.code == .cancelled && error?.cause == "not begun: image")
        #expect(asked.withLock { $0 } == 1)
        #expect(try host.events().contains { $0.body.type == "step.finished" })
        guard case .result(let result) = try host.events().last?.body else { throw ExpectationFailure() }
        #expect(result.status == .cancelled)
    }

    @Test func aClosedTerminalLeavesTheRunAlone() async throws {
        var host = TestHost(endless { Issue.record("the run was cancelled") })
        host.configuration.machine.kind = .ssh
        let error = try await interrupted(host, by: SIGHUP)
        #expect(error?.code == .runDetached && error?.code.exitCode == 75)
        // It will set these passwords, and `attach` has to find its machine.
        #expect(try ClusterMemory.load(host.scratch.project) != nil)
        #expect(MachineFiles().exists(host.scratch.project.secrets))
        #expect(error?.remedy.contains("pgaf-host attach") == true)
        #expect(try !host.events().contains { $0.body.type == "result" })
        #expect(host.machine.story.last == "close")
    }

    @Test func onATerminalOneIsAskedWhetherToDetach() async throws {
        var host = TestHost(endless { Issue.record("the run was cancelled") })
        host.line = "d"
        #expect(try await interrupted(host, by: SIGINT)?.code == .runDetached)
        #expect(host.questions.text.contains("c to cancel it at its next step boundary"))
    }

    @Test func onATerminalOneMayCancel() async throws {
        var host = TestHost(endless())
        host.line = "cancel"
        #expect(try await interrupted(host, by: SIGINT)?.code == .cancelled)
    }

    @Test func onATerminalEnterAloneGoesOn() async throws {
        let (answers, answered) = AsyncStream.makeStream(of: Void.self)
        let machine = ScriptedMachine(
            verbs: [
                "cancel": { _, _ in
                    Issue.record("the run was cancelled")
                    return .exited(0)
                }
            ]
        ) { request, emit in
            let agent = ScriptedAgent(run: request.run, emit: emit)
            var answer = answers.makeAsyncIterator()
            try await agent.send([.stepStarted(step: "docker")])
            _ = await answer.next()
            try await agent.send(
                [.stepFinished(step: "docker", outcome: .changed, seconds: 1), .stepStarted(step: "image")], from: 2)
            _ = await answer.next()
            try Task.checkCancellation()
            try await agent.send(
                [
                    .stepFinished(step: "image", outcome: .changed, seconds: 1),
                    .result(RunResult(status: .ok, changed: 2)),
                ], from: 4)
            return .exited(0)
        }
        var host = TestHost(machine)
        host.line = ""
        // Whoever has gone on is asked again.
        try await run(host, signalledBy: SIGINT, at: ["docker", "image"]) { answered.yield() }
        #expect(host.questions.text.components(separatedBy: "or Enter to go on looking: ").count == 3)
        #expect(host.errors.text == "")
        guard case .result(let result) = try host.events().last?.body else { throw ExpectationFailure() }
        #expect(result.status == .ok, "\(result)")
    }

    @Test func beforeTheMachineWorksAnInterruptStopsTheHost() async throws {
        let host = TestHost(ScriptedMachine())
        let dialogue = InterruptDialogue(
            verb: "up", context: host.context(), display: SilentDisplay(), control: RunControl(),
            leave: { Issue.record("there is nothing to leave") })
        #expect(await dialogue.decide(SIGINT) == .stop)
        #expect(host.errors.text.contains("`pgaf-host up` goes on later"))
    }

    @Test func workThatEndsIsNotWaitedForByInterrupts() async throws {
        let (signals, _) = AsyncStream.makeStream(of: Int32.self)
        #expect(try await Interrupts.handling(signals, decide: { _ in .stop }, { 42 }) == 42)
    }

    private static let run = "20261122T213149123Z-4f0a9c21"

    private func ended(_ bodies: [Event.Body] = ScriptedAgent.happy(.changed)) -> ScriptedMachine {
        ScriptedMachine(
            verbs: [
                "follow": { arguments, emit in
                    #expect(arguments.contains("--json"))
                    try await ScriptedAgent(run: Self.run, emit: emit).send(bodies)
                    return .exited(0)
                }
            ])
    }

    @Test func attachShowsARunToItsSummaryAndKeepsNothing() async throws {
        let host = TestHost(ended())
        try await Attach.run(Attach.Options(progress: .plain), in: host.context())
        #expect(host.errors.text.contains("docker             changed in 4.1 s"))
        #expect(host.output.text.contains("connect from this machine:"))
        #expect(!host.output.text.contains("log: "))
        #expect(MachineFiles().list(host.scratch.project.runs).isEmpty)
        #expect(host.machine.executed.last?.arguments.suffix(4) == ["follow", "--json", "--since", "0"])
    }

    @Test func attachToARunThatFailedTellsItsError() async throws {
        let failure = PgafError(.imageBuildFailed, "No image.", remedy: "Run `pgaf-host up` again.")
        let host = TestHost(ended([.result(RunResult(status: .failed, error: failure))]))
        let error = await #expect(throws: ReportedFailure.self) {
            try await Attach.run(Attach.Options(run: Self.run, progress: .plain), in: host.context())
        }
        #expect(error?.exitCode == 69)
        #expect(host.errors.text.contains("error: No image."))
        #expect(host.machine.executed.last?.arguments.last == Self.run)
    }

    /// What the agent says instead of events.
    @Test func attachTellsTheAgentsOwnError() async throws {
        let line = #"{"error":{"code":"run.not-found","message":"There was \u001b[2Jno run.","remedy":"Begin one."}}"#
        let host = TestHost(
            ScriptedMachine(verbs: [
                "follow": { _, emit in
                    try await emit(.standardOutput(Array((line + "\n").utf8)))
                    return .exited(ErrorCode.runNotFound.exitCode)
                }
            ]))
        let error = await #expect(throws: ReportedFailure.self) {
            try await Attach.run(Attach.Options(run: Self.run, progress: .plain), in: host.context())
        }
        #expect(error?.exitCode == ErrorCode.runNotFound.exitCode)
        #expect(host.errors.text.contains("error: There was ·[2Jno run.") && host.errors.text.contains("run.not-found"))
        let events = await #expect(throws: PgafError.self) {
            try await Events.run(Events.Options(), in: host.context())
        }
        #expect(events?.code == .runNotFound)
    }

    /// The machine is not made yet, nobody is there, or it knows older runs alone.
    @Test(arguments: [ErrorCode.machineNotMade, .agentMissing, .runNotFound])
    func aRunThatHasNotReachedTheMachineIsToldAsSuch(_ code: ErrorCode) async throws {
        let machine = ScriptedMachine(
            outlook: MachineOutlook(code == .machineNotMade ? .stopped : .running),
            verbs: [
                "follow": { arguments, emit in
                    let error = PgafError(code, "What the machine says.", remedy: "r")
                    try await emit(.standardOutput(Array((try JSONText.line(["error": error]) + "\n").utf8)))
                    return .exited(code.exitCode)
                }
            ])
        let host = TestHost(machine)
        let project = host.scratch.project
        func attach() async throws {
            try await Attach.run(Attach.Options(progress: .plain), in: host.context())
        }
        try project.prepare()
        var lock: ProjectLock? = try ProjectLock.now(project, verb: "up")
        let run = try #require(lock?.run)
        await #expect(throws: ReportedFailure(exitCode: ErrorCode.runNotFound.exitCode)) { try await attach() }
        let sentence = "error: The run \(run) of `pgaf-host up` has not reached the machine yet."
        #expect(host.errors.text.contains(sentence) && host.errors.text.contains(project.run(run)))
        if code != .machineNotMade { #expect(machine.executed.last?.arguments.last == run) }
        withExtendedLifetime(lock) {}
        lock = nil
        await #expect(throws: ReportedFailure(exitCode: code.exitCode)) { try await attach() }
        #expect(host.errors.text.contains("code: \(code.rawValue)"))
    }

    @Test func attachFollowsTheRunThatWorksOnTheDirectory() async throws {
        let machine = ScriptedMachine(
            verbs: [
                "follow": { arguments, emit in
                    try await ScriptedAgent(run: arguments.last ?? "", emit: emit).send(ScriptedAgent.happy(.changed))
                    return .exited(0)
                }
            ])
        let host = TestHost(machine)
        try host.scratch.project.prepare()
        let lock = try ProjectLock.now(host.scratch.project, verb: "up")
        try await Attach.run(Attach.Options(progress: .plain), in: host.context())
        #expect(machine.executed.last?.arguments.suffix(2) == ["0", lock.run])
        #expect(!host.errors.text.contains("forgets it here"))
        withExtendedLifetime(lock) {}
    }

    @Test func attachToARemovalTellsWhatIsStillRemembered() async throws {
        let change = ClusterChange(removed: ["container pgnode1"])
        let host = TestHost(ended([.result(RunResult(status: .ok, changed: 1, cluster: change))]))
        try await Attach.run(Attach.Options(progress: .plain), in: host.context())
        #expect(host.output.text == "removed container pgnode1\n")
        #expect(host.errors.text.contains("`pgaf-host destroy` forgets it here as well"))
    }

    @Test(arguments: ["", "../../etc", "latest", "x; reboot"])
    func whatIsNoRunIsRefusedBeforeAnythingIsAsked(_ run: String) async throws {
        let host = TestHost(ended())
        let error = await #expect(throws: PgafError.self) {
            try await Attach.run(Attach.Options(run: run), in: host.context())
        }
        #expect(error?.code == .runNotFound)
        #expect(host.machine.story.isEmpty)
    }

    @Test func eventsThatAreFollowedGoOnOverACutLink() async throws {
        let calls = Mutex(0)
        let machine = ScriptedMachine(
            verbs: [
                "follow": { arguments, emit in
                    let call = calls.withLock { calls in
                        calls += 1
                        return calls
                    }
                    let all = ScriptedAgent.happy(.changed)
                    let agent = ScriptedAgent(run: "20260102T030405678Z-00000001", emit: emit)
                    guard call > 1 else {
                        try await agent.send(Array(all.prefix(3)))
                        throw PgafError(.linkLost, "The link was cut.", remedy: "r")
                    }
                    #expect(arguments.suffix(2) == ["3", "20260102T030405678Z-00000001"])
                    try await agent.send(Array(all.dropFirst(3)), from: 4)
                    return .exited(0)
                }
            ])
        let host = TestHost(machine)
        try await Events.run(Events.Options(follow: true, json: true), in: host.context())
        let numbers = try host.output.lines.filter { !$0.isEmpty }.map { try EventCoding.decode($0).seq }
        #expect(numbers == Array(1...ScriptedAgent.happy(.changed).count))
        #expect(host.errors.text.contains("The link was cut. Waiting for the machine to answer again."))
    }

    @Test func eventsListsWhatTheMachineHas() async throws {
        let host = TestHost(ended())
        try await Events.run(Events.Options(), in: host.context())
        #expect(host.output.lines.count == 8)
        #expect(host.output.lines[3] == "4  2026-01-02T03:04:05.678Z  docker: | Setting up docker.io")
        #expect(host.machine.executed.last?.arguments.contains("--no-wait") == true)
        let json = TestHost(ended())
        try await Events.run(Events.Options(follow: true, json: true), in: json.context())
        #expect(try json.output.lines.dropLast().map { try EventCoding.decode($0).seq } == Array(1...7))
        #expect(json.machine.executed.last?.arguments.contains("--no-wait") == false)
    }
}

/// Sends a signal when a step starts, and tells when a question was answered.
private struct SignallingDisplay: EventDisplay {
    let steps: Set<String>
    let number: Int32
    let continuation: AsyncStream<Int32>.Continuation
    let answered: @Sendable () -> Void

    init(
        at steps: Set<String>, _ number: Int32, _ continuation: AsyncStream<Int32>.Continuation,
        answered: @escaping @Sendable () -> Void
    ) {
        self.steps = steps
        self.number = number
        self.continuation = continuation
        self.answered = answered
    }

    func show(_ event: Event) {
        if case .stepStarted(let step) = event.body, steps.contains(step) { continuation.yield(number) }
    }

    func resume() { answered() }
}
