import Shared
import Testing

@testable import GuestAgent

/// Whole runs that find another one at work.
@Suite(.timeLimit(.minutes(2))) struct MachineLockTests {
    private let machine = TestMachine()

    init() throws {
        FakeCluster().install(on: machine)
        try machine.becomeDebian()
    }

    @Test(arguments: [nil, ClusterOrder.stop])
    func whoeverWaitsForAnotherRunMayThinkBetterOfIt(_ order: ClusterOrder?) async throws {
        let held = try MachineLock(store: machine.store, holder: "run X").now()
        let request = Request(
            run: machine.events.run, configuration: TestMachine.configuration(), secrets: TestMachine.secrets,
            options: Request.Options(wait: true), clusterOrder: order)
        let stop = StopSign()
        let waiting = Task { [machine] () -> Int32 in
            let (runner, store, events) = (machine.runner, machine.store, machine.events)
            guard let order else {
                return await UpRun(runner: runner, store: store, request: request, events: events, stop: stop).run()
            }
            return await HaltRun(
                runner: runner, store: store, request: request, order: order, events: events, stop: stop
            ).run()
        }
        try await Wait(for: "the heartbeat", upTo: .seconds(30), every: .milliseconds(20), hint: "").until {
            machine.written.contains { $0.body.type == "heartbeat" } ? .found(()) : .notYet("")
        }
        stop.raise()
        #expect(await waiting.value == 130)
        withExtendedLifetime(held) {}
        guard case .result(let result)? = machine.written.last?.body else {
            Issue.record("there is no result")
            return
        }
        #expect(result.status == .cancelled && result.error?.message.contains("nothing was changed") == true)
        #expect(!machine.runner.saw("docker"))
    }
}
