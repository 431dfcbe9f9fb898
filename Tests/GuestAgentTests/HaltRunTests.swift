import Shared
import Testing

@testable import GuestAgent

@Suite struct HaltRunTests {
    private let ready: ReadyCluster

    init() async throws { ready = try await ReadyCluster() }

    /// Gives an order.
    ///
    /// - Returns: what it came to, and what was done with containers, in order.
    private func give(
        _ order: ClusterOrder, stop: StopSign = StopSign()
    ) async throws -> (result: RunResult, deeds: [String]) {
        let before = ready.machine.runner.commands.count
        let request = Request(
            run: "20261122T213149123Z-4f0a9c22", configuration: ready.configuration, secrets: TestMachine.secrets,
            clusterOrder: order)
        let status = await HaltRun(
            runner: ready.machine.runner, store: ready.machine.store, request: request, order: order,
            events: ready.machine.events, stop: stop
        ).run()
        let result = try #require(ready.result)
        #expect(status == result.error?.code.exitCode ?? 0)
        return (result, ready.deeds(since: before))
    }

    private static let resting = ["pgnode2", "pgnode3", "pgnode1", "monitor_node"]

    @Test func standbysThePrimaryTheMonitorAndBack() async throws {
        let (stopped, deeds) = try await give(.stop)
        #expect(deeds == Self.resting.map { "stop \($0)" }, "\(String(describing: stopped.error))")
        #expect(stopped == RunResult(status: .ok, changed: 4, cluster: ClusterChange(.stop, containers: Self.resting)))
        #expect(ready.planned == Self.resting.map { "stop.\($0)" })

        let (none, nothing) = try await give(.stop)
        #expect(none == RunResult(status: .ok, cluster: ClusterChange(.stop, containers: [])) && nothing.isEmpty)

        let (started, back) = try await give(.start)
        let names = ["monitor_node", "pgnode1", "pgnode2", "pgnode3"]
        #expect(back == names.map { "start \($0)" }, "\(String(describing: started.error))")
        #expect(started.changed == 2 && started.cluster?.containers == names)
        #expect(started.cluster?.formation?.healthy == true)
        #expect(ready.planned == ["start.monitor_node", "start.nodes", "settle"])
        let said = ready.machine.written.compactMap { event -> String? in
            if case .stepProgress("start.nodes", _, let message) = event.body { message } else { nil }
        }
        #expect(said == ["started pgnode1", "started pgnode2", "started pgnode3"])
        #expect(ready.machine.written.dropLast().last?.body.type == "state")

        let (again, few) = try await give(.start)
        #expect(again.changed == 0 && again.cluster?.containers == [] && few.isEmpty)
    }

    @Test func whatIsPausedGoesOn() async throws {
        ready.cluster.change {
            for name in ["monitor_node", "pgnode2"] { $0.containers[name]?.status = "paused" }
        }
        let (started, deeds) = try await give(.start)
        #expect(deeds == ["unpause monitor_node", "unpause pgnode2"], "\(String(describing: started.error))")
        #expect(started.cluster?.containers == ["monitor_node", "pgnode2"])
    }

    /// While a standby joins, or is away, or a setting is taken up.
    @Test(arguments: ["join_primary", "wait_primary", "apply_settings"])
    func aPrimaryOutlivesItsStandbysInEachOfItsStates(_ state: String) async throws {
        ready.cluster.change { $0.primaryState = state }
        #expect(try await give(.stop).deeds == Self.resting.map { "stop \($0)" })
    }

    /// As after a departure that was not completed. Here it is the primary, and so goes after the standbys.
    @Test func aNodeThatIsNoLongerWantedIsStoppedToo() async throws {
        ready.cluster.change {
            for (name, cluster) in [("pgnode4", "pgaf"), ("stranger", "other")] {
                $0.containers[name] = ContainerStatus(
                    name: name, status: "running", running: true, labels: [Label.cluster: cluster, Label.role: "node"])
            }
            $0.registered.insert("pgnode4", at: 0)
        }
        let (stopped, deeds) = try await give(.stop)
        let order = ["pgnode1", "pgnode2", "pgnode3", "pgnode4", "monitor_node"]
        #expect(deeds == order.map { "stop \($0)" } && stopped.cluster?.containers == order)
        #expect(stopped.warnings.count == 1)
        #expect(stopped.warnings.first?.hasPrefix("pgnode4, which the configuration does not have any more, ") == true)
        // Another node has taken over meanwhile.
        ready.cluster.change { _ = $0.registered.removeFirst() }
        let back = ["monitor_node", "pgnode1", "pgnode2", "pgnode3"].map { "start \($0)" }
        #expect(try await give(.start).deeds == back)
    }

    @Test func aCancelledStopEndsBeforeTheNextContainerAndAnotherGoesOn() async throws {
        let stop = StopSign()
        let cluster = ready.cluster
        ready.machine.runner.on("docker", "stop") { command in
            stop.raise()
            return cluster.run(command)
        }
        let (result, deeds) = try await give(.stop, stop: stop)
        #expect(result.status == .cancelled && deeds == ["stop pgnode2"])
        #expect(result.error?.cause == "not done: stop.pgnode3, stop.pgnode1, stop.monitor_node")
        #expect(result.error?.remedy == "Run `stop` to go on where it stopped.")
        let (rest, others) = try await give(.stop)
        #expect(rest.cluster?.containers == Array(Self.resting.dropFirst()))
        #expect(others == Self.resting.dropFirst().map { "stop \($0)" })
    }

    @Test func aCancelledStartEndsInTheWaitThatItIsIn() async throws {
        _ = try await give(.stop)
        // One that never comes back.
        ready.machine.runner.on("docker", "start", "pgnode3")
        let stop = StopSign()
        let ending = Task { try await give(.start, stop: stop) }
        try await Wait(for: "the last step", upTo: .seconds(20), every: .milliseconds(10), hint: "").until {
            ready.machine.written.contains { $0.body == .stepStarted(step: "settle") } ? .found(()) : .notYet("")
        }
        stop.raise()
        let (result, deeds) = try await ending.value
        #expect(result.status == .cancelled && deeds.last == "start pgnode3")
        #expect(result.error?.cause == "not done: settle")
    }

    @Test func whoeverWorksOnTheMachineComesFirst() async throws {
        let machine = ready.machine
        let lock = try await MachineLock(store: machine.store, holder: "run X").take(waiting: false, machine.events)
        let (result, deeds) = try await give(.stop)
        withExtendedLifetime(lock) {}
        #expect(result.error?.code == .clusterLocked && deeds.isEmpty)
    }

    @Test func whatIsMissingIsNotStartedWithoutTheRest() async throws {
        _ = try await give(.stop)
        ready.cluster.change { $0.containers["pgnode3"] = nil }
        let (result, deeds) = try await give(.start)
        #expect(result.error?.code == .clusterNotFound && deeds.isEmpty)
        #expect(result.error?.message.contains("pgnode3") == true)
    }

    /// Only `up` mends that; the start says so.
    @Test func aStartDoesNotWaitForCandidatePriorities() async throws {
        ready.cluster.change { $0.priorities = ["pgnode2": 0, "pgnode3": 0] }
        let state = try await give(.start).result.cluster?.formation
        #expect(state?.awaited?.map(\.name) == ["pgnode2", "pgnode3"])
    }

    @Test func aStartDoesNotWaitForANodeInMaintenance() async throws {
        ready.cluster.change { _ = $0.maintained.insert("pgnode3") }
        let state = try await give(.start).result.cluster?.formation
        #expect(state?.nodes.count { $0.reportedState == "maintenance" } == 1)
    }
}
