import Shared
import Testing

@testable import GuestAgent

extension Monitor.Row {
    static func sample(
        _ name: String, _ reported: String, _ assigned: String? = nil, id: Int = 1, health: Int = 1,
        running: Bool = true, lsn: String = "0/3000000", priority: Int = 50, quorum: Bool = true,
        seen: String = "2026-01-31T12:00:10.123456", sinceAssigned: Int = 1
    ) -> Monitor.Row {
        Monitor.Row(
            id: id, name: name, host: "\(name).local", port: 5432, reported: reported, assigned: assigned ?? reported,
            health: health, running: running, lsn: lsn, timeline: 1, priority: priority,
            quorum: quorum,
            reportTime: 1_763_847_110, seen: seen, sinceAssigned: sinceAssigned)
    }
}

@Suite struct FormationJudgementTests {
    @Test func aSettledFormationHasNothingToSay() {
        let rows: [Monitor.Row] = [.sample("b", "secondary"), .sample("a", "primary")]
        #expect(FormationJudgement.notes(rows, names: ["a", "b"]).isEmpty)
        #expect(FormationJudgement.settledPrimary(rows, names: ["a", "b"]) == "a")
        #expect(FormationJudgement.settledPrimary([.sample("a", "single")], names: ["a"]) == "a")
        // One that is on its way out is no part of it.
        let former = Monitor.Row.sample("c", "apply_settings", "demote_timeout")
        #expect(FormationJudgement.settledPrimary([former] + rows, names: ["a", "b"]) == "a")
    }

    private static let unconnected = {
        var row = Monitor.Row.sample("b", "secondary")
        row.streams = false
        return row
    }()

    private static let flaws: [([Monitor.Row], [String])] = [
        ([.sample("a", "primary"), unconnected], ["b does not receive what the primary writes"]),
        ([], ["a is not registered on the monitor", "b is not registered on the monitor"]),
        ([.sample("a", "primary")], ["b is not registered on the monitor"]),
        (
            [.sample("a", "primary"), .sample("b", "catchingup", "secondary")],
            ["b is on its way from catchingup to secondary"]
        ),
        ([.sample("a", "primary"), .sample("b", "maintenance")], ["b is in the state maintenance"]),
        ([.sample("a", "primary"), .sample("b", "secondary", health: 0)], ["b is not seen healthy by the monitor"]),
        (
            [.sample("a", "primary"), .sample("b", "secondary", running: false)],
            ["PostgreSQL of b does not run, as its pg_autoctl reports"]
        ),
        ([.sample("a", "primary"), .sample("b", "secondary", health: -1)], ["b is not seen healthy by the monitor"]),
        (
            [.sample("a", "wait_primary"), .sample("b", "secondary")],
            ["a is in the state wait_primary", "there is no settled primary"]
        ),
        ([.sample("a", "primary"), .sample("b", "primary")], ["more than one node reports to be primary: a, b"]),
    ]

    @Test(arguments: flaws.indices)
    func everyFlawIsNamed(_ index: Int) {
        let (rows, notes) = Self.flaws[index]
        #expect(FormationJudgement.notes(rows, names: ["a", "b"]) == notes)
        #expect(FormationJudgement.settledPrimary(rows, names: ["a", "b"]) == nil)
    }

    @Test(arguments: [
        (nil, 1), ("2026-01-31T12:00:09.999999999Z", 1), ("2026-01-31T12:00:10.123456789Z", -1),
        ("2026-01-31T12:00:11Z", -1), ("9999-01-31T12:00:11Z", 1),
    ])
    func whatIsOlderThanTheLastStartIsNotBelieved(_ start: String?, _ health: Int) {
        let row = Monitor.Row.sample("a", "secondary")
        let containers = [
            "a": ContainerStatus(name: "a", status: "running", running: true, started: start),
            "m": ContainerStatus(name: "m", status: "running", running: true, started: "2026-01-31T11:00:00Z"),
        ]
        #expect(containers.current([row], monitor: "m").map(\.health) == [health])
        // A monitor that starts knows nothing of its own.
        #expect(containers.current([row], monitor: "a").map(\.health) == [health])
    }

    @Test func settledMeansReachedAndPlayingItsPart() {
        #expect(Monitor.Row.sample("a", "wait_primary").isSettled)
        #expect(!Monitor.Row.sample("a", "secondary", "primary").isSettled)
        #expect(!Monitor.Row.sample("a", "demoted").isSettled)
        #expect(!Monitor.Row.sample("a", "secondary", running: false).isSettled)
    }
}

@Suite struct StreamingReplicationTests {
    private let machine = TestMachine()
    private let rows: [Monitor.Row] = [
        .sample("a", "primary"), .sample("b", "secondary", id: 2), .sample("c", "secondary", id: 3),
        .sample("d", "catchingup", "secondary", id: 4),
    ]

    private func look(_ rows: [Monitor.Row]) async throws -> [Bool?] {
        try await StreamingReplication(psql: machine.context().psql).look(rows).map(\.streams)
    }

    @Test func thePrimarySaysWhoReceivesWhatItWrites() async throws {
        machine.runner.on("docker", "exec", prints: "pgautofailover_standby_3\nanother client\n")
        #expect(try await look(rows) == [nil, false, true, nil])
        machine.runner.on("docker", "exec", prints: "\n")
        #expect(try await look(rows) == [nil, false, false, nil])
    }

    @Test func whoeverIsNotAskedSaysNothingOfAnybody() async throws {
        machine.runner.on("docker", "exec", status: 2)
        #expect(try await look(rows) == [nil, nil, nil, nil])
        let count = machine.runner.lines.count
        var lost = rows
        lost[0].health = 0
        #expect(try await look(lost) == [nil, nil, nil, nil])
        #expect(try await look([rows[0], rows[3]]) == [nil, nil])
        #expect(machine.runner.lines.count == count)
    }

    /// As one whose data has left the primary's history: the monitor is content with it.
    @Test func aStandbyThatReceivesNothingIsNotInItsPlace() async throws {
        let topology = TestMachine.topology()
        let cluster = FakeCluster(topology)
        cluster.install(on: machine)
        cluster.change {
            for name in ["monitor_node", "pgnode1", "pgnode2", "pgnode3"] {
                $0.containers[name] = ContainerStatus(name: name, status: "running", running: true)
            }
            $0.registered = ["pgnode1", "pgnode2", "pgnode3"]
            $0.unconnected = ["pgnode3"]
        }
        let reader = FormationReader(runner: machine.runner, files: machine.files, topology: topology)
        let state = try #require(try await reader.read())
        #expect(state.notes == ["pgnode3 does not receive what the primary writes"])
        #expect(state.awaited?.map(\.name) == ["pgnode3"] && state.awaited?.first?.command == "pgaf-host up")
        cluster.change { $0.unconnected = [] }
        #expect(try #require(try await reader.read()).healthy)
    }
}

@Suite struct FormationReaderTests {
    @Test func positionsInTheLog() throws {
        #expect(LSN("0/5000148")?.bytes == 0x500_0148)
        #expect(LSN("1/0")?.bytes == 1 << 32)
        #expect(try #require(LSN("A/FFFFFFFF")) < #require(LSN("B/0")))
        for text in ["", "0", "0/", "/0", "0/G", "0/1/2", "0/100000000", "FFFFFFFF/0", "-1/0"] {
            #expect(LSN(text) == nil, "\(text)")
        }
    }

    @Test func aNodeWithItsRow() {
        let settings = NodeSettings(name: "a", port: 5001)
        let node = FormationReader.node(
            settings, row: .sample("a", "secondary", id: 4, lsn: "0/2FFFF00"), container: "running",
            head: LSN("0/3000000"))
        #expect(node.id == 4 && node.host == "a.local" && node.port == 5432 && node.publishedPort == 5001)
        #expect(node.reportedState == "secondary" && node.assignedState == "secondary" && node.health == 1)
        #expect(node.lag == 256 && node.lsn == "0/2FFFF00" && node.container == "running" && node.timeline == 1)
        #expect(node.candidatePriority == 50 && node.replicationQuorum == true)
    }

    @Test func lagIsNeverNegativeAndUnknownWithoutAPrimary() {
        let settings = NodeSettings(name: "a", port: 5001)
        let ahead = Monitor.Row.sample("a", "primary", lsn: "0/4000000")
        #expect(FormationReader.node(settings, row: ahead, container: nil, head: LSN("0/3000000")).lag == 0)
        #expect(FormationReader.node(settings, row: ahead, container: nil, head: nil).lag == nil)
    }

    @Test func aNodeWithoutARow() {
        let node = FormationReader.node(
            NodeSettings(name: "a", port: 5001), row: nil, container: "missing", head: nil)
        #expect(node.id == nil && node.reportedState == nil && node.container == "missing" && node.host == "a")
    }

    @Test func withoutAnEngineThereIsNoState() async throws {
        let machine = TestMachine()
        machine.runner.lacks("docker")
        let reader = FormationReader(
            runner: machine.runner, files: machine.files, topology: TestMachine.topology())
        #expect(try await reader.read() == nil)
    }

    @Test func rowsAreReadFromTheMonitorsJSON() async throws {
        let machine = TestMachine()
        let row =
            #"{"id":1,"name":"pgnode1","host":"pgnode1","port":5432,"reported":"primary","#
            + #""assigned":"primary","health":1,"running":true,"lsn":"0/3000148","timeline":1,"priority":50,"quorum":true,"reportTime":1763847110.25,"#
            + #""seen":"2025-11-22T21:31:50.250000","sinceAssigned":7}"#
        machine.runner.on("docker", "version", prints: "27.5.1\n")
            .on("docker", "container", "inspect", prints: "[]", status: 1)
            .on("docker", "exec", prints: "[\(row)]\n")
        let reader = FormationReader(
            runner: machine.runner, files: machine.files, topology: TestMachine.topology())
        let state = try #require(try await reader.read())
        #expect(state.nodes.map(\.reportedState) == ["primary", nil, nil])
        #expect(state.monitor == "missing" && !state.healthy)
        #expect(state.notes.contains("the monitor's container is missing"))
        #expect(state.notes.contains("pgnode2 is not registered on the monitor"))
        #expect(state.awaited?.map(\.name) == ["monitor_node", "pgnode1", "pgnode2", "pgnode3", nil])
    }

    /// What one could type instead would be refused meanwhile.
    @Test func whoeverHasTheMachineForItselfIsTold() async throws {
        let topology = TestMachine.topology()
        let machine = TestMachine()
        let cluster = FakeCluster(topology)
        cluster.install(on: machine)
        cluster.change {
            for name in topology.containerNames {
                $0.containers[name] = ContainerStatus(name: name, status: "running", running: true)
            }
            $0.registered = ["pgnode1", "pgnode2", "pgnode3"]
            $0.containers["pgnode3"] = ContainerStatus(name: "pgnode3", status: "exited", running: false)
        }
        func awaited(isAsked: Bool) async throws -> [FormationState.Awaited]? {
            var reader = FormationReader(runner: machine.runner, files: machine.files, topology: topology)
            reader.tellsOfWork = isAsked
            return try await reader.read()?.awaited
        }
        let alone = try await awaited(isAsked: true)
        #expect(alone?.map(\.command) == ["pgaf-host start"])
        let works = [
            "run X, `stop`": "run X (`stop`) is at work on this machine; follow it with `pgaf-host attach`",
            "run X": "run X (`up`) is at work on this machine; follow it with `pgaf-host attach`",
            "`pgaf-agent prepare`": "`pgaf-agent prepare` is at work on this machine",
        ]
        for (holder, words) in works {
            let lock = try MachineLock(store: machine.store, holder: holder).now()
            #expect(try await awaited(isAsked: true) == [FormationState.Awaited(name: nil, text: words)])
            // A run about itself.
            #expect(try await awaited(isAsked: false) == alone)
            withExtendedLifetime(lock) {}
        }
        #expect(try await awaited(isAsked: true) == alone)
    }
}
