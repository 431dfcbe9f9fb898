import Foundation
import Shared
import Testing

@testable import GuestAgent

@Suite struct RoleRunTests {
    private let ready: ReadyCluster
    private var machine: TestMachine { ready.machine }
    private var cluster: FakeCluster { ready.cluster }
    private var configuration: Configuration { ready.configuration }

    init() async throws { ready = try await ReadyCluster() }

    /// Gives an order.
    ///
    /// - Returns: what it came to, and what was done with containers and asked of the monitor, in order.
    private func give(_ order: RoleOrder) async throws -> (result: RunResult, deeds: [String]) {
        let before = machine.runner.commands.count
        let request = Request(
            run: "20261122T213149123Z-4f0a9c22", configuration: configuration, secrets: TestMachine.secrets,
            order: order)
        _ = await RoleRun(
            runner: machine.runner, store: machine.store, request: request, order: order, events: machine.events
        ).run()
        return (try #require(ready.result), ready.deeds(since: before))
    }

    @Test func aSwitchover() async throws {
        let (result, deeds) = try await give(.switchover(to: nil))
        let roles = try #require(result.roles, "\(String(describing: result.error))")
        #expect(roles.verb == "switchover" && roles.node == nil)
        #expect(roles.from == "pgnode1" && roles.to == "pgnode2")
        #expect(roles.formation.healthy && roles.secondsUntilHealthy > 0)
        #expect(roles.secondsWithoutWrites >= roles.resolution && roles.resolution > 0)
        #expect(roles.states.contains { $0.node == "pgnode2" && $0.reported == "primary" })
        #expect(deeds == ["perform_failover"] && ready.planned == ["handover", "settle"])
    }

    @Test func aSwitchoverToANode() async throws {
        let (result, deeds) = try await give(.switchover(to: "pgnode3"))
        #expect(result.roles?.to == "pgnode3", "\(String(describing: result.error))")
        #expect(deeds == ["perform_promotion"])
    }

    @Test func aCrashOfThePrimary() async throws {
        let (result, deeds) = try await give(.failover(node: nil, way: .crash))
        let roles = try #require(result.roles, "\(String(describing: result.error))")
        #expect(roles.node == "pgnode1" && roles.from == "pgnode1" && roles.to == "pgnode2")
        #expect(deeds == ["kill --signal KILL pgnode1", "start pgnode1"])
        #expect(ready.planned == ["crash", "takeover", "comeback", "settle"])
    }

    @Test func aCrashOfAStandbyConcernsNoClient() async throws {
        let (result, deeds) = try await give(.failover(node: "pgnode3", way: .crash))
        let roles = try #require(result.roles, "\(String(describing: result.error))")
        #expect(roles.node == "pgnode3" && roles.from == "pgnode1" && roles.to == "pgnode1")
        #expect(deeds == ["kill --signal KILL pgnode3", "start pgnode3"])
        let said = machine.written.compactMap { event -> String? in
            if case .stepProgress("crash", _, let message) = event.body { message } else { nil }
        }
        #expect(said == ["pgnode3 is a standby: clients go on writing on pgnode1"])
    }

    @Test func aKilledNodeIsNotLeftDeadWhenSomethingFails() async throws {
        machine.runner.on("docker", "kill") { [cluster] command in
            let result = cluster.run(command)
            // Nobody takes over, and the monitor is gone.
            cluster.change { $0.containers["monitor_node"]?.running = false }
            return result
        }
        let stop = StopSign()
        let order = RoleOrder.failover(node: nil, way: .crash)
        let request = Request(
            run: "20261122T213149123Z-4f0a9c23", configuration: configuration, secrets: TestMachine.secrets,
            order: order)
        let run = RoleRun(
            runner: machine.runner, store: machine.store, request: request, order: order, events: machine.events,
            stop: stop)
        let ending = Task { await run.run() }
        _ = try await Wait(for: "the kill", upTo: .seconds(20), every: .milliseconds(10), hint: "").until {
            machine.runner.saw("docker", "kill") ? .found(()) : .notYet("")
        }
        stop.raise()
        #expect(await ending.value == ErrorCode.cancelled.exitCode)
        #expect(
            ready.result?.error?.remedy == "Look at `status`, then give the order again if it is still wanted.")
        #expect(machine.runner.saw("docker", "start", "pgnode1"))
    }

    @Test func maintenanceAndBack() async throws {
        let (begun, first) = try await give(.maintenance(node: "pgnode2", turn: .enable))
        #expect(begun.roles?.to == "pgnode1", "\(String(describing: begun.error))")
        #expect(begun.roles?.node == "pgnode2" && first == ["start_maintenance"])
        #expect(begun.warnings.count == 1)
        let (again, none) = try await give(.maintenance(node: "pgnode2", turn: .enable))
        #expect(again.error?.code == .failoverRefused && none.isEmpty)
        let (ended, second) = try await give(.maintenance(node: "pgnode2", turn: .disable))
        #expect(ended.status == .ok && second == ["stop_maintenance"], "\(String(describing: ended.error))")
        #expect(ended.roles?.formation.healthy == true && ended.warnings.isEmpty)
    }

    @Test func upPutsANodeBackIntoService() async throws {
        _ = try await give(.maintenance(node: "pgnode3", turn: .enable))
        let before = machine.runner.commands.count
        let request = Request(run: "r", configuration: configuration, secrets: TestMachine.secrets)
        let status = await UpRun(runner: machine.runner, store: machine.store, request: request, events: machine.events)
            .run()
        #expect(status == 0)
        #expect(ready.deeds(since: before) == ["stop_maintenance"])
        #expect(cluster.change { $0.maintained.isEmpty })
    }

    @Test func maintenanceOfThePrimary() async throws {
        let (result, deeds) = try await give(.maintenance(node: "pgnode1", turn: .enableWithFailover))
        #expect(result.roles?.to == "pgnode2", "\(String(describing: result.error))")
        #expect(deeds == ["start_maintenance"])
    }

    @Test func whereNobodyCanWriteNothingIsChanged() async throws {
        cluster.change { $0.refusedWrites = 5 }
        let (result, deeds) = try await give(.switchover(to: nil))
        #expect(result.error?.code == .failoverRefused && result.error?.cause == "connection refused")
        #expect(deeds.isEmpty)
    }

    @Test func whoeverWorksOnTheMachineComesFirst() async throws {
        let lock = try await MachineLock(store: machine.store, holder: "run X").take(waiting: false, machine.events)
        let (result, deeds) = try await give(.switchover(to: nil))
        withExtendedLifetime(lock) {}
        #expect(result.error?.code == .clusterLocked && deeds.isEmpty)
        #expect(result.error?.message.contains("run X") == true)
    }

    @Test func withoutAMonitorOrAnEngineOneIsToldSo() async throws {
        cluster.change { $0.containers["monitor_node"]?.running = false }
        #expect(try await give(.switchover(to: nil)).result.error?.code == .monitorFailed)
        cluster.change { $0.engine = false }
        #expect(try await give(.switchover(to: nil)).result.error?.code == .dockerUnavailable)
    }

    @Test func theClientTriesThePrimaryLastAndHasNoPassword() {
        let connection = WritingClient.connection(TestMachine.topology(), last: "pgnode1")
        #expect(
            connection
                == "host=pgnode2,pgnode3,pgnode1 hostaddr=172.30.7.12,172.30.7.13,172.30.7.11 port=5432 user=postgres"
                + " dbname=postgres passfile=/run/pgaf/pgpass sslmode=verify-full sslrootcert=/run/pgaf/ca.crt"
                + " target_session_attrs=read-write connect_timeout=2 tcp_user_timeout=2000 application_name=pgaf")
    }
}

@Suite struct StateTraceTests {
    @Test func onlyWhatChangesIsKept() {
        let trace = StateTrace(names: ["a", "b"])
        let rows: [Monitor.Row] = [.sample("a", "primary"), .sample("b", "secondary"), .sample("c", "secondary")]
        #expect(trace.take(rows).isEmpty)
        #expect(trace.take(rows).isEmpty)
        #expect(trace.take([.sample("a", "primary", "draining")]) == ["a is primary, to become draining"])
        #expect(trace.take([.sample("a", "draining")]) == ["a is draining"])
        #expect(trace.turns.map(\.node) == ["a", "b", "a", "a"])
        #expect(trace.turns.map(\.seconds).sorted() == trace.turns.map(\.seconds))
    }
}

@Suite struct FormationWatchTests {
    @Test func aLookThatFailsIsOneAsWell() async throws {
        let machine = TestMachine()
        machine.runner.lacks("docker")
        let reader = FormationReader(runner: machine.runner, files: machine.files, topology: TestMachine.topology())
        let look = await FormationWatch(reader: reader, interval: .milliseconds(1)).look()
        #expect(throws: PgafError.self) { try look.get() }
        let line = try FormationWatch.line(look)
        #expect(line.hasPrefix(#"{"error":{"code":"docker.unavailable""#))
        let state = FormationState(cluster: "c", monitor: "running", nodes: [], healthy: false)
        #expect(try FormationWatch.line(.success(state)).hasPrefix(#"{"cluster":"c""#))
    }
}
