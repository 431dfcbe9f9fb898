import Shared
import Testing

@testable import GuestAgent

@Suite struct RecoveryTimesTests {
    private func times(_ change: (inout FailoverSettings) -> Void = { _ in }, isSlow: Bool = false) -> RecoveryTimes {
        var settings = FailoverSettings()
        change(&settings)
        return RecoveryTimes(FailoverTimings(settings, isSlow: isSlow), isSlow: isSlow)
    }

    /// SIGKILL of the primary until another node takes writes was measured as 52.3 s and, `fast`, 13.2 s.
    @Test func measuredFailoversLieWithin() {
        let usual = times().failover
        #expect(usual == .init(20 + 30 + 3, 44 + 30 + 6))
        #expect(usual.least - 1 <= 52 && 53 <= usual.most)
        let fast = times { $0.profile = .fast }.failover
        #expect(fast.least <= 14 && 13 <= fast.most && fast.most < usual.least)
    }

    @Test func everyTimingCounts() {
        let usual = times()
        #expect(usual.seen == .init(0, 10) && usual.caughtUp == .init(2, 14))
        #expect(times { $0.healthCheckPeriod = 15_000 }.seen.most == 20)
        #expect(times { $0.healthCheckTimeout = 1500 }.seen.most == 7)
        #expect(times { $0.unhealthyAfter = 40_000 }.givenUp == .init(40, 64))
        #expect(times { $0.healthCheckMaxRetries = 3 }.givenUp.most == usual.givenUp.most + 7)
        #expect(times { $0.healthCheckRetryDelay = 3000 }.givenUp.most == usual.givenUp.most + 2)
        #expect(times { $0.demoteTimeout = 33_000 }.promotion.most == usual.promotion.most + 3)
    }

    /// A node that was killed in an emulated machine was back as a secondary after 68 s.
    @Test func aSlowMachineIsGivenMore() {
        let slow = times(isSlow: true).comesBack
        #expect(slow.least <= 68 && 68 <= slow.most)
        #expect(times().comesBack.most < slow.least)
    }

    @Test func inWords() {
        #expect(RecoveryTimes.Span(milliseconds: 999, 2001) == .init(1, 3))
        #expect(RecoveryTimes.Span(1, 3).words == "normally 1 to 3 s")
        #expect(RecoveryTimes.Span(6, 6).words == "normally 6 s")
    }
}

@Suite struct FormationExpectationTests {
    private static let names = ["pgnode1", "pgnode2", "pgnode3"]

    private func expectation(
        _ rows: [Monitor.Row]?, monitor: String = "running", containers: [String: String] = [:]
    ) -> [FormationState.Awaited] {
        var all = Dictionary(uniqueKeysWithValues: Self.names.map { ($0, "running") })
        all.merge(containers) { _, own in own }
        return FormationExpectation(
            topology: TestMachine.topology(), rows: rows, monitor: monitor, containers: all
        ).awaited
    }

    private func rows(_ states: (String, String)..., health: [Int] = [1, 1, 1]) -> [Monitor.Row] {
        zip(zip(Self.names, states), health).map { .sample($0.0, $0.1.0, $0.1.1, health: $1) }
    }

    private let primary = ("primary", "primary")
    private let secondary = ("secondary", "secondary")

    private func texts(_ awaited: [FormationState.Awaited]) -> [String] { awaited.map(\.text) }

    @Test func aHealthyFormationAwaitsNothing() {
        #expect(expectation(rows(primary, secondary, secondary)).isEmpty)
    }

    @Test func aStandbyThatCatchesUp() {
        let awaited = expectation(rows(primary, ("catchingup", "secondary"), secondary))
        #expect(
            awaited == [
                .init(
                    name: "pgnode2", text: "pgnode2 is to become secondary (now catchingup): normally 2 to 14 s",
                    normally: .init(least: 2, most: 14))
            ])
    }

    @Test func aStandbyThatFollowsAnotherPrimary() {
        #expect(
            texts(expectation(rows(primary, ("secondary", "catchingup"), ("secondary", "prepare_promotion")))) == [
                "pgnode2 is to become secondary again (assigned catchingup): normally 2 to 14 s",
                "pgnode3 is to become primary (assigned prepare_promotion): normally 3 to 36 s",
            ])
    }

    @Test func theStatesOfAFailover() {
        let lost = expectation(rows(primary, secondary, secondary), containers: ["pgnode1": "exited"])
        #expect(
            texts(lost) == [
                "the container pgnode1 was stopped and stays so: `pgaf-host start` starts it",
                "another node is to take over from pgnode1: normally 53 to 80 s",
            ])
        #expect(lost.map(\.command) == ["pgaf-host start", nil] && lost[1].name == nil)
        #expect(
            texts(expectation(rows(("draining", "demoted"), ("report_lsn", "report_lsn"), secondary))) == [
                "pgnode1 gives up being primary (now draining), then becomes secondary: normally 5 to 51 s",
                "pgnode2 takes part in choosing a new primary (now report_lsn): normally 1 to 44 s",
            ])
        #expect(
            texts(expectation(rows(("demoted", "catchingup"), ("stop_replication", "wait_primary"), secondary))) == [
                "pgnode1 is to become secondary (now demoted): normally 4 to 19 s",
                "pgnode2 is to become primary (now stop_replication): normally 3 to 36 s",
            ])
        #expect(
            texts(expectation(rows(("wait_primary", "wait_primary"), secondary, secondary))) == [
                "pgnode1 takes writes that no standby confirms (wait_primary) until one is secondary: normally 3 to 16 s"
            ])
    }

    @Test func whatDoesNotComeByItselfHasACommand() {
        let settled = rows(primary, secondary, secondary)
        func single(_ containers: [String: String], monitor: String = "running") -> FormationState.Awaited? {
            let awaited = expectation(monitor == "running" ? settled : nil, monitor: monitor, containers: containers)
            #expect(awaited.count == 1)
            return awaited.first
        }
        #expect(single(["pgnode3": "exited"])?.command == "pgaf-host start")
        #expect(single(["pgnode3": "paused"])?.command == "pgaf-host up")
        #expect(single(["pgnode3": "missing"])?.command == "pgaf-host up")
        #expect(single(["pgnode3": "dead"])?.command == "pgaf-host up")
        #expect(single(["pgnode3": "restarting"])?.command == nil)
        #expect(single([:], monitor: "exited")?.command == "pgaf-host start")
        #expect(single([:], monitor: "missing")?.command == "pgaf-host up")
        let starting = expectation(nil)
        #expect(starting.map(\.name) == ["monitor_node"] && starting[0].command == nil && starting[0].normally != nil)
        let dropped = expectation(Array(settled.prefix(2)))
        #expect(dropped.map(\.name) == ["pgnode3"] && dropped[0].command == "pgaf-host up")
        let maintained = expectation(rows(primary, ("maintenance", "maintenance"), secondary))
        #expect(maintained.first?.command == "pgaf-host maintenance disable pgnode2")
        for one in [single(["pgnode3": "exited"]), dropped.first, maintained.first] {
            #expect(one?.text.contains("`\(one?.command ?? "-")`") == true && one?.normally == nil)
        }
    }

    @Test func aNodeThatDoesNotAnswerTheMonitor() {
        let standby = expectation(rows(primary, secondary, secondary, health: [1, 0, 1]))
        #expect(
            texts(standby) == ["pgnode2 is to answer the monitor's health checks again: normally 2 to 15 s"])
        let leader = expectation(rows(primary, secondary, secondary, health: [0, 1, 1]))
        #expect(texts(leader).first?.contains("or another node takes over: normally 2 to 80 s") == true)
        let new = expectation(rows(primary, secondary, secondary, health: [1, -1, 1]))
        #expect(
            texts(new).first?.hasPrefix("the monitor is to look at pgnode2, which it has not done since its start")
                == true)
    }

    @Test func whatDoesNotComeByItselfNeedsAnUp() {
        let late = { (assigned: String, seconds: Int) in
            self.expectation([
                .sample("pgnode1", "primary"), .sample("pgnode2", "join_secondary", assigned, sinceAssigned: seconds),
                .sample("pgnode3", "secondary"),
            ]).map(\.command)
        }
        #expect(late("secondary", 88) == [nil])
        #expect(late("secondary", 89) == ["pgaf-host up"])
        #expect(late("wait_standby", 10_000) == [nil])
    }

    @Test func withoutAnybodyElseNobodyTakesWrites() {
        let stopped = ["pgnode1": "exited", "pgnode2": "exited", "pgnode3": "exited"]
        let awaited = expectation(rows(primary, secondary, secondary), containers: stopped)
        #expect(awaited.count == 4 && awaited.prefix(3).allSatisfy { $0.command == "pgaf-host start" })
        #expect(awaited.last?.text == "nobody takes writes: no other node can be primary than pgnode1")
    }

    private func formation(_ change: (inout [Monitor.Row]) -> Void) -> FormationExpectation {
        var rows = rows(primary, secondary, secondary)
        change(&rows)
        return FormationExpectation(
            topology: TestMachine.topology(), rows: rows, monitor: "running",
            containers: Dictionary(uniqueKeysWithValues: Self.names.map { ($0, "running") }))
    }

    @Test func settingsThatAreNotTheConfigurationsAreTold() {
        let differing = formation {
            $0[1].priority = 10
            $0[2].priority = 0
            $0[2].quorum = false
        }
        #expect(
            texts(differing.awaited) == [
                "pgnode2 has the candidate priority 10 instead of 50: `pgaf-host up` sets what the configuration says",
                "pgnode3 has the candidate priority 0 instead of 50 and the replication quorum false instead of true:"
                    + " `pgaf-host up` sets what the configuration says",
            ])
        #expect(differing.awaited.allSatisfy { $0.command == "pgaf-host up" } && differing.lackOfSuccessors == nil)
        // While a node is promoted pg_auto_failover adds 101 to its priority, or takes that from the former primary's.
        let promoted = formation {
            $0[0].priority = -51
            $0[1].priority = 151
        }
        #expect(promoted.awaited.isEmpty && promoted.lackOfSuccessors == nil)
    }

    /// As a run leaves it that was killed while it restarted the primary.
    @Test func aFormationInWhichNobodyCouldTakeOverIsNotHealthy() {
        let killed = formation { for index in 1...2 { $0[index].priority = 0 } }
        #expect(killed.lackOfSuccessors?.hasPrefix("no node could take over from pgnode1: ") == true)
        #expect(killed.awaited.map(\.name) == ["pgnode2", "pgnode3"])
        #expect(formation { $0[1].priority = 0 }.lackOfSuccessors == nil)
        // One that was configured so is as it should be, and one without others lacks something else.
        var configuration = Configuration()
        for index in 1...2 { configuration.nodes[index].candidatePriority = 0 }
        let meant = FormationExpectation(
            topology: TestMachine.topology(configuration), rows: killed.rows, monitor: "running",
            containers: killed.containers)
        #expect(meant.lackOfSuccessors == nil && meant.awaited.isEmpty)
        #expect(formation { $0.removeLast(2) }.lackOfSuccessors == nil)
    }

    private static let states = [
        "init", "single", "wait_primary", "primary", "draining", "demote_timeout", "demoted", "catchingup", "secondary",
        "prepare_promotion", "stop_replication", "wait_standby", "maintenance", "join_primary", "apply_settings",
        "prepare_maintenance", "wait_maintenance", "report_lsn", "fast_forward", "join_secondary", "dropped",
    ]

    /// What is noted is explained, and nothing else.
    @Test func thereIsSomethingToSayExactlyWhenTheFormationIsNotHealthy() {
        for reported in Self.states {
            for assigned in Self.states {
                for (health, other) in [(1, primary), (0, primary), (1, secondary), (1, ("wait_primary", "primary"))] {
                    var rows = rows((reported, assigned), other, secondary, health: [health, 1, 1])
                    // As `StreamingReplication` tells it, of settled standbys alone.
                    if reported == "secondary", assigned == "secondary" { rows[0].streams = false }
                    let awaited = expectation(rows)
                    let notes = FormationJudgement.notes(rows, names: Self.names)
                    #expect(awaited.isEmpty == notes.isEmpty, "\(reported) \(assigned) \(health) \(other): \(notes)")
                    #expect(
                        awaited.allSatisfy { $0.text.contains("normally") == ($0.normally != nil) },
                        "\(awaited)")
                    #expect(awaited.allSatisfy { ($0.normally?.least ?? 0) <= ($0.normally?.most ?? 0) })
                }
            }
        }
    }
}
