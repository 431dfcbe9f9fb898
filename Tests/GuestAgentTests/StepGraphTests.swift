import Shared
import Synchronization
import Testing

@testable import GuestAgent

/// A step whose looks and deeds are a test's.
private struct TestStep: Step {
    var id: String
    var dependencies: [String] = []
    var always = false
    var confirmed = true
    /// Whether its deed is a repair that no look foresees.
    var repairs = false
    /// What each look finds, counted from 1; nil finds one thing to make until it was made.
    var looks: (@Sendable (_ number: Int) async throws -> [Change])?
    var deed: @Sendable ([Change]) async throws -> Void = { _ in }
    var title: String { "the \(id)" }
    let looked = Counter()
    let applied = Counter()
    var hasRepaired: Bool { repairs && applied.value > 0 }

    func inspect(_ context: AgentContext) async throws -> [Change] {
        let number = looked.next()
        if let looks { return try await looks(number) }
        return applied.value == 0 ? [Change(.create, "x", "make x")] : []
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        _ = applied.next()
        try await deed(changes)
    }
}

private final class Counter: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        count.withLock {
            $0 += 1
            return $0
        }
    }

    var value: Int { count.withLock { $0 } }
}

@Suite(.timeLimit(.minutes(2))) struct StepGraphTests {
    private let machine = TestMachine()

    init() { machine.runner.on("docker", status: 1).on("df", status: 1) }

    private func words() -> [String] {
        machine.written.compactMap { event in
            switch event.body {
            case .stepStarted(let step): "start \(step)"
            case .stepFinished(let step, let outcome, _): "\(outcome.rawValue) \(step)"
            case .stepFailed(let step, let error, _): "\(error.code.rawValue) \(step)"
            default: nil
            }
        }
    }

    @Test func dependenciesComeFirst() async throws {
        let steps = [TestStep(id: "c", dependencies: ["b"]), TestStep(id: "a"), TestStep(id: "b", dependencies: ["a"])]
        #expect(try await StepGraph(steps).run(machine.context()) == 3)
        #expect(words() == ["start a", "changed a", "start b", "changed b", "start c", "changed c"])
    }

    @Test func ofSeveralRefusalsTheFirstStepsIsTold() async throws {
        let first = TestStep(id: "a") { _ in
            // Later than the other one.
            for _ in 0..<100 { await Task.yield() }
            throw PgafError(.portInUse, "a", remedy: "")
        }
        let second = TestStep(id: "b") { _ in throw PgafError(.foreignObject, "b", remedy: "") }
        for _ in 0..<20 {
            let error = await #expect(throws: PgafError.self) {
                try await StepGraph([first, second]).plan(machine.context())
            }
            #expect(error?.code == .portInUse)
        }
    }

    @Test func thePlanIsAnnouncedBeforeAnything() async throws {
        let steps = [
            TestStep(id: "a", looks: { _ in [] }),
            TestStep(id: "b", dependencies: ["a"], looks: { $0 == 1 ? [Change(.change, "x", "turn x")] : [] }),
        ]
        _ = try await StepGraph(steps).run(machine.context())
        #expect(
            machine.written.first?.body
                == .plan([
                    PlannedStep(id: "a", title: "the a", dependencies: [], action: .none),
                    PlannedStep(id: "b", title: "the b", dependencies: ["a"], action: .change, changes: ["turn x"]),
                ]))
    }

    @Test func stepsThatNeedNothingOfEachOtherRunSideBySide() async throws {
        // Each waits for the other: one after the other they would wait for ever.
        let (first, firstSays) = AsyncStream<Void>.makeStream()
        let (second, secondSays) = AsyncStream<Void>.makeStream()
        let steps = [
            TestStep(
                id: "a",
                deed: { _ in
                    firstSays.finish()
                    for await _ in second {}
                }),
            TestStep(
                id: "b",
                deed: { _ in
                    secondSays.finish()
                    for await _ in first {}
                }),
        ]
        #expect(try await StepGraph(steps).run(machine.context()) == 2)
    }

    @Test func nothingDiffersNothingIsTouched() async throws {
        let step = TestStep(id: "a", looks: { _ in [] })
        let proof = TestStep(id: "proof", dependencies: ["a"], always: true, looks: { _ in [] })
        #expect(try await StepGraph([step, proof]).run(machine.context()) == 0)
        #expect(step.applied.value == 0 && step.looked.value == 1)
        #expect(proof.applied.value == 1)
        #expect(words() == ["start a", "unchanged a", "start proof", "unchanged proof"])
    }

    @Test func aFailureLetsOthersFinishAndStartsNone() async {
        let (gate, open) = AsyncStream<Void>.makeStream()
        let steps = [
            TestStep(
                id: "bad",
                deed: { _ in
                    throw PgafError(.dockerFailed, "no", remedy: "none")
                }),
            TestStep(id: "slow", deed: { _ in for await _ in gate {} }),
            TestStep(id: "after-bad", dependencies: ["bad"]),
            TestStep(id: "after-slow", dependencies: ["slow"]),
        ]
        let machine = machine
        let watcher = Wait(for: "the failure", upTo: .seconds(60), every: .milliseconds(5), hint: "")
        async let watched: Void = {
            try await watcher.until {
                machine.written.contains { $0.body.type == "step.failed" } ? .found(()) : .notYet("")
            }
            open.finish()
        }()
        let error = await #expect(throws: PgafError.self) { try await StepGraph(steps).run(machine.context()) }
        try? await watched
        #expect(error?.code == .dockerFailed)
        #expect(Set(words()) == ["start bad", "start slow", "docker.failed bad", "changed slow"])
        #expect(words().last == "changed slow")
    }

    @Test func aRepairInTheMiddleOfAWaitIsAChange() async throws {
        let waits: @Sendable (Int) async throws -> [Change] = { _ in [Change(.wait, "x", "wait for x")] }
        let steps = [
            TestStep(id: "a", looks: waits),
            TestStep(id: "b", dependencies: ["a"], confirmed: false, repairs: true, looks: waits),
        ]
        #expect(try await StepGraph(steps).run(machine.context()) == 1)
        #expect(words() == ["start a", "unchanged a", "start b", "changed b"])
    }

    @Test func aStepBehindAChangeIsLookedAtAgain() async throws {
        // What the plan saw was about the time before the change.
        let behind = TestStep(
            id: "b", dependencies: ["a"], looks: { $0 == 1 ? [Change(.create, "x", "make x")] : [] })
        #expect(try await StepGraph([TestStep(id: "a"), behind]).run(machine.context()) == 1)
        #expect(behind.applied.value == 0 && behind.looked.value == 2)
    }

    @Test func aStepFarBehindAChangeIsLookedAtAgain() async throws {
        // An engine that was stopped: the images seem to be missing, and so do the containers behind them.
        let hidden: @Sendable (Int) -> [Change] = { $0 == 1 ? [Change(.create, "x", "make x")] : [] }
        let steps = [
            TestStep(id: "engine"),
            TestStep(id: "image", dependencies: ["engine"], looks: hidden),
            TestStep(id: "node", dependencies: ["image"], looks: hidden),
        ]
        #expect(try await StepGraph(steps).run(machine.context()) == 1)
        #expect(steps[1].applied.value == 0 && steps[2].applied.value == 0)
    }

    @Test func stepsThatWaitForEachOtherAreAnError() async {
        let steps = [
            TestStep(id: "a", dependencies: ["b"]), TestStep(id: "b", dependencies: ["a"]),
            TestStep(id: "c", dependencies: ["nobody"]),
        ]
        let error = await #expect(throws: PgafError.self) { try await StepGraph(steps).run(machine.context()) }
        #expect(error?.code == .internalError)
        #expect(error?.message == "The steps a, b, c wait for each other.")
    }

    @Test func whatStillDiffersAfterwardsIsAnError() async {
        let step = TestStep(id: "a", looks: { _ in [Change(.create, "x", "make x")] })
        let error = await #expect(throws: PgafError.self) { try await StepGraph([step]).run(machine.context()) }
        #expect(error?.code == .internalError && error?.message.contains("make x") == true)
        let trusted = TestStep(id: "a", confirmed: false, looks: { _ in [Change(.create, "x", "make x")] })
        await #expect(throws: Never.self) { try await StepGraph([trusted]).run(machine.context()) }
        #expect(trusted.looked.value == 1)
    }

    @Test func cancellingStopsAtAStepsBoundary() async {
        let (started, starts) = AsyncStream<Void>.makeStream()
        let steps = [
            TestStep(
                id: "a",
                deed: { _ in
                    starts.finish()
                    try await Task.sleep(for: .seconds(3600))
                }),
            TestStep(id: "b", dependencies: ["a"]),
        ]
        let context = machine.context()
        let run = Task { try await StepGraph(steps).run(context) }
        for await _ in started {}
        run.cancel()
        let error = await #expect(throws: (any Error).self) { try await run.value }
        #expect(error.map { PgafError.wrapping($0, doing: "").code } == .cancelled)
        #expect(words() == ["start a", "cancelled a"])
        #expect(steps[1].applied.value == 0)
    }

    @Test func aFailedLookFailsThePlanBeforeAnythingIsDone() async {
        let good = TestStep(id: "a")
        let bad = TestStep(id: "b", looks: { _ in throw PgafError(.portInUse, "5001", remedy: "") })
        let error = await #expect(throws: PgafError.self) { try await StepGraph([good, bad]).run(machine.context()) }
        #expect(error?.code == .portInUse && good.applied.value == 0 && machine.written.isEmpty)
    }
}
