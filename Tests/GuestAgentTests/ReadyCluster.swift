import Shared
import Testing

@testable import GuestAgent

/// A machine that pretends, with a cluster on it that `up` has made.
struct ReadyCluster: Sendable {
    let machine = TestMachine()
    let cluster: FakeCluster
    let configuration = TestMachine.configuration()

    init() async throws {
        cluster = FakeCluster(TestMachine.topology(configuration))
        cluster.install(on: machine)
        try machine.becomeDebian()
        let request = Request(run: "r", configuration: configuration, secrets: TestMachine.secrets)
        let status = await UpRun(runner: machine.runner, store: machine.store, request: request, events: machine.events)
            .run()
        #expect(status == 0)
        // The standbys joined side by side; who takes over is to be the same in every run.
        cluster.change { $0.registered = ["pgnode1", "pgnode2", "pgnode3"] }
    }

    /// What was done with containers and asked of the monitor since so many commands, in order.
    func deeds(since count: Int) -> [String] {
        machine.runner.commands.dropFirst(count).compactMap { command in
            let words = command.arguments
            if ["kill", "start", "stop", "unpause"].contains(words.first) { return words.joined(separator: " ") }
            let sql = command.input?.revealed ?? ""
            let orders = ["perform_failover", "perform_promotion", "start_maintenance", "stop_maintenance"]
            return orders.first { sql.contains($0) }
        }
    }

    /// The result of the last run.
    var result: RunResult? {
        if case .result(let result) = machine.written.last?.body { result } else { nil }
    }

    /// Ids of the steps that were announced last.
    var planned: [String] {
        let plans = machine.written.compactMap { event -> [PlannedStep]? in
            if case .plan(let steps) = event.body { steps } else { nil }
        }
        return plans.last?.map(\.id) ?? []
    }
}
