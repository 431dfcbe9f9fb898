import Shared
import Testing

@testable import GuestAgent

@Suite struct RoleJudgementTests {
    private static let settled: [Monitor.Row] = [
        .sample("pgnode1", "primary"), .sample("pgnode2", "secondary"), .sample("pgnode3", "secondary"),
    ]

    private static func judgement(
        _ order: RoleOrder, _ rows: [Monitor.Row] = settled, names: [String] = ["pgnode1", "pgnode2", "pgnode3"],
        stopped: [String] = [], sync: Int = 1
    ) -> RoleJudgement {
        RoleJudgement(
            order: order, names: names, monitor: "monitor_node", rows: rows,
            containers: Dictionary(
                uniqueKeysWithValues: names.map { ($0, stopped.contains($0) ? "exited" : "running") }),
            syncStandbys: sync)
    }

    private func roles(_ order: RoleOrder, _ rows: [Monitor.Row] = settled, sync: Int = 1) throws -> RoleJudgement.Roles
    {
        try Self.judgement(order, rows, sync: sync).roles()
    }

    @Test func whoIsConcerned() throws {
        let handover = RoleJudgement.Roles(primary: "pgnode1", node: "pgnode1")
        #expect(try roles(.switchover(to: nil)) == handover)
        #expect(try roles(.switchover(to: "pgnode3")) == .init(primary: "pgnode1", node: "pgnode1", target: "pgnode3"))
        #expect(try roles(.failover(node: nil, way: .crash)) == handover)
        #expect(try roles(.failover(node: "pgnode1", way: .order)) == handover)
        let standby = RoleJudgement.Roles(primary: "pgnode1", node: "pgnode2")
        #expect(try roles(.failover(node: "pgnode2", way: .crash)) == standby)
        #expect(try roles(.maintenance(node: "pgnode2", turn: .enable)) == standby)
        #expect(try roles(.maintenance(node: "pgnode1", turn: .enableWithFailover)) == handover)
        // One standby in maintenance: the primary itself still has a voice where it hands over in order.
        let resting: [Monitor.Row] = [
            .sample("pgnode1", "primary"), .sample("pgnode2", "maintenance"), .sample("pgnode3", "secondary"),
        ]
        #expect(try roles(.switchover(to: nil), resting) == handover)
        #expect(try roles(.maintenance(node: "pgnode2", turn: .disable), resting) == standby)
        #expect(Self.judgement(.switchover(to: nil), resting).inMaintenance == ["pgnode2"])
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        var order: RoleOrder
        var rows: [Monitor.Row] = settled
        var stopped: [String] = []
        var sync = 1
        var says: String
        var code = ErrorCode.failoverRefused
        var testDescription: String { "\(order): \(says)" }
    }

    private static func rows(_ second: Monitor.Row, _ third: Monitor.Row, primary: String = "primary") -> [Monitor.Row]
    {
        [.sample("pgnode1", primary), second, third]
    }
    private static let resting = Monitor.Row.sample("pgnode2", "maintenance")
    private static let secondary = Monitor.Row.sample("pgnode3", "secondary")
    private static let never = [2, 3].map { Monitor.Row.sample("pgnode\($0)", "secondary", priority: 0) }

    static let refused: [Refused] = [
        .init(order: .switchover(to: "pgnod2"), says: "no node \"pgnod2\"", code: .usage),
        .init(order: .switchover(to: "monitor_node"), says: "is the monitor", code: .usage),
        .init(order: .switchover(to: nil), rows: [], says: "no node takes writes now"),
        .init(
            order: .switchover(to: nil), rows: rows(.sample("pgnode2", "primary"), secondary),
            says: "more than one node reports to be primary"),
        .init(
            order: .switchover(to: nil), rows: rows(.sample("pgnode2", "catchingup", "secondary"), secondary),
            says: "not settled: pgnode2 is on its way from catchingup to secondary"),
        .init(
            order: .failover(node: nil, way: .crash), rows: rows(.sample("pgnode2", "secondary", health: 0), secondary),
            says: "not settled: pgnode2 is not seen healthy"),
        .init(order: .switchover(to: "pgnode1"), says: "pgnode1 is primary already"),
        .init(order: .switchover(to: "pgnode2"), rows: rows(resting, secondary), says: "pgnode2 cannot become primary"),
        .init(order: .switchover(to: nil), rows: rows(never[0], never[1]), says: "no other node can become primary"),
        .init(order: .failover(node: nil, way: .crash), rows: rows(never[0], never[1]), says: "no other node can"),
        .init(
            order: .switchover(to: nil), stopped: ["pgnode2", "pgnode3"], says: "no other node can become primary"),
        .init(
            order: .failover(node: nil, way: .crash), rows: rows(resting, secondary),
            says: "2 nodes that confirm commits have to take part in choosing the next primary, and only 1 could"),
        .init(order: .failover(node: "pgnode2", way: .order), says: "pgnode2 is no primary"),
        .init(order: .failover(node: "pgnode2", way: .crash), rows: rows(resting, secondary), says: "in maintenance"),
        .init(order: .failover(node: "pgnode2", way: .crash), stopped: ["pgnode2"], says: "pgnode2 is exited already"),
        .init(order: .maintenance(node: "pgnode1", turn: .enable), says: "pgnode1 is primary, so another node would"),
        .init(
            order: .maintenance(node: "pgnode1", turn: .enableWithFailover), rows: rows(resting, secondary),
            says: "2 nodes that confirm commits"),
        .init(
            order: .maintenance(node: "pgnode3", turn: .enable), rows: rows(resting, secondary),
            says: "without pgnode3 no node could take over from pgnode1"),
        .init(
            order: .maintenance(node: "pgnode2", turn: .enable),
            rows: rows(.sample("pgnode2", "secondary"), .sample("pgnode3", "secondary", quorum: false)),
            says: "confirmed by 1 of the standbys, and 0 would be left"),
        .init(
            order: .maintenance(node: "pgnode2", turn: .enable), rows: rows(resting, secondary),
            says: "pgnode2 is in maintenance already"),
        .init(order: .maintenance(node: "pgnode2", turn: .disable), says: "pgnode2 is in no maintenance"),
    ]

    @Test(arguments: refused) func whatIsNotSafeIsRefused(_ refused: Refused) throws {
        let error = try #require(throws: PgafError.self) {
            try Self.judgement(refused.order, refused.rows, stopped: refused.stopped, sync: refused.sync).roles()
        }
        #expect(error.code == refused.code && error.message.contains(refused.says), "\(error)")
        #expect(!error.remedy.isEmpty)
    }

    @Test func whoIsMeantByAMistypedName() throws {
        let error = try #require(throws: PgafError.self) { try roles(.failover(node: "pgnode22", way: .crash)) }
        #expect(error.remedy.hasPrefix("Did you mean pgnode2? Name one of pgnode1, pgnode2, pgnode3."))
    }

    @Test func aNodeAloneHasNobodyToHandOverTo() throws {
        let error = try #require(throws: PgafError.self) {
            try Self.judgement(.switchover(to: nil), [.sample("pgnode1", "single")], names: ["pgnode1"], sync: 0)
                .roles()
        }
        #expect(error.message.contains("the cluster has only the node pgnode1"))
    }

    @Test func twoNodes() throws {
        let rows: [Monitor.Row] = [.sample("pgnode1", "primary"), .sample("pgnode2", "secondary")]
        let names = ["pgnode1", "pgnode2"]
        for order: RoleOrder in [.switchover(to: nil), .failover(node: nil, way: .crash)] {
            #expect(try Self.judgement(order, rows, names: names, sync: 0).roles().node == "pgnode1")
        }
        let error = try #require(throws: PgafError.self) {
            try Self.judgement(.maintenance(node: "pgnode2", turn: .enable), rows, names: names, sync: 0).roles()
        }
        #expect(error.message.contains("without pgnode2 no node could take over"))
        let crash = Self.judgement(.failover(node: "pgnode2", way: .crash), rows, names: names, sync: 0)
        #expect(crash.meaning(try crash.roles())?.contains("clients wait until pgnode1 may go on") == true)
    }

    @Test func whatAUserShouldKnow() throws {
        let crash = Self.judgement(.failover(node: "pgnode2", way: .crash))
        let roles = try crash.roles()
        #expect(crash.meaning(roles) == "pgnode2 is a standby: clients go on writing on pgnode1")
        #expect(crash.warning(roles) == nil)
        let maintenance = Self.judgement(.maintenance(node: "pgnode2", turn: .enable))
        #expect(
            maintenance.warning(try maintenance.roles())?.hasPrefix(
                "While pgnode2 is in maintenance no node takes over from a primary that fails") == true)
        #expect(maintenance.meaning(try maintenance.roles()) == nil)
        let four = Self.settled + [.sample("pgnode4", "secondary")]
        let many = Self.judgement(
            .maintenance(node: "pgnode2", turn: .enable), four, names: four.map(\.name))
        #expect(many.warning(try many.roles()) == nil)
    }
}
