import Shared
import Testing

@Suite struct RoleChangeTests {
    @Test func anOrderIsACommandLine() {
        let options = ["--events"]
        #expect(RoleOrder.switchover(to: nil).words(options) == ["switchover", "--events"])
        #expect(RoleOrder.switchover(to: "b").words() == ["switchover", "--to", "b"])
        #expect(
            RoleOrder.failover(node: "a", way: .order).words(options) == [
                "failover", "--node", "a", "--order", "--events",
            ])
        #expect(
            RoleOrder.maintenance(node: "-a", turn: .enableWithFailover).words(options)
                == ["maintenance", "enable", "--allow-failover", "--events", "--", "-a"])
        #expect(RoleOrder.maintenance(node: "a", turn: .disable).words() == ["maintenance", "disable", "--", "a"])
        #expect(RequestTests.orders.map(\.verb).allSatisfy { !$0.isEmpty })
    }

    @Test func whoIsPrimaryAndForHowLongNobodyCouldWrite() {
        let lines = RoleChangeText.lines(EventSamples.roles)
        #expect(
            lines.prefix(3) == [
                "pgnode2 is primary now, pgnode1 was it before",
                "clients could not write for 13.3 s, as seen by a client that wrote every 30 ms",
                "every node has its place and is healthy 20 s after the order",
            ])
        #expect(lines.contains { $0.hasPrefix("pgnode2 ") })
    }

    @Test func aShortPauseIsNone() {
        var change = EventSamples.roles
        (change.to, change.secondsWithoutWrites) = ("pgnode1", 0.31)
        #expect(
            RoleChangeText.lines(change).prefix(2) == [
                "pgnode1 is primary as before",
                "clients could write all the time: at most 310 ms between two writes of a client that wrote every 30 ms",
            ])
        // What is slow anyway is not interrupted by one slow write.
        (change.resolution, change.secondsWithoutWrites) = (3, 9)
        #expect(RoleChangeText.lines(change)[1].hasPrefix("clients could write all the time"))
    }
}

@Suite struct FormationDifferenceTests {
    private func state(_ reported: String, _ assigned: String, health: Int = 1, container: String = "running")
        -> FormationState
    {
        var node = FormationState.Node(name: "a", host: "a", port: 5432)
        (node.reportedState, node.assignedState) = (reported, assigned)
        (node.health, node.container) = (health, container)
        return FormationState(
            cluster: "pgaf", monitor: "running", nodes: [node], healthy: reported == assigned && health == 1)
    }

    @Test func theFirstLookTellsEverything() {
        #expect(
            FormationDifference.lines(from: nil, to: state("primary", "primary")) == [
                "the monitor's container: running", "a: primary", "formation default: healthy",
            ])
    }

    @Test func laterOnesTellWhatIsNew() {
        let (settled, moving) = (state("primary", "primary"), state("primary", "draining"))
        #expect(FormationDifference.lines(from: settled, to: settled).isEmpty)
        #expect(
            FormationDifference.lines(from: settled, to: moving) == [
                "a: primary -> draining (was primary)", "formation default: NOT healthy",
            ])
        let gone = state("primary", "primary", health: 0, container: "exited")
        #expect(
            FormationDifference.lines(from: settled, to: gone).first
                == "a: primary, health bad, container exited (was primary)")
        var (stopped, empty) = (settled, settled)
        stopped.monitor = "exited"
        empty.nodes = []
        #expect(
            FormationDifference.lines(from: settled, to: stopped) == ["the monitor's container: exited (was running)"])
        #expect(FormationDifference.lines(from: settled, to: empty) == ["a: no longer in the cluster"])
        #expect(FormationDifference.lines(from: empty, to: settled) == ["a: primary"])
    }
}
