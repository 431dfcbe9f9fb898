import Testing

@testable import GuestAgent

@Suite struct ServerProgressTests {
    private static func text(_ state: String, _ timeline: Int = 1) -> String {
        """
        pg_control version number:            1700
        Database cluster state:               \(state)
        pg_control last modified:             Fri 27 Nov 2026 03:59:11 PM UTC
        Latest checkpoint location:           0/520B150
        Latest checkpoint's REDO location:    0/520B0F8
        Latest checkpoint's TimeLineID:       \(timeline)

        """
    }

    private func progress(_ state: String, _ timeline: Int = 1, _ more: String = "") throws -> ServerProgress {
        try #require(ServerProgress(controlData: Self.text(state, timeline) + more))
    }

    /// Its checkpoint comes later, as does a standby's restart point.
    @Test(arguments: [
        "Min recovery ending loc's timeline:   2\n", "History: 00000002.history\n",
        "Min recovery ending loc's timeline:   0\nHistory: 00000001.history\nHistory: 00000002.history\n",
    ])
    func aServerThatHasJustComeToAnotherTimelineIsOnIt(_ more: String) throws {
        #expect(try progress("in production", 1, more).timeline == 2)
        #expect(try progress("in production", 3, more).timeline == 3)
        #expect(try progress("in production", 1, "History: *.history\n").timeline == 1)
    }

    @Test func aControlFileSaysHowFarItsServerHadCome() throws {
        let found = try progress("in production", 3)
        #expect(found.state == "in production" && found.timeline == 3 && found.checkpoint == "0/520B150")
        #expect(ServerProgress(controlData: "pg_controldata: could not open file") == nil)
        #expect(ServerProgress(controlData: "") == nil)
    }

    @Test(arguments: [
        ("in production", true), ("shut down", true), ("shutting down", true), ("in crash recovery", true),
        ("in archive recovery", false), ("shut down in recovery", false), ("starting up", false),
    ])
    func aStandbysStateIsToldFromAPrimarys(_ state: String, _ wasPrimary: Bool) throws {
        #expect(try progress(state).wasPrimary == wasPrimary)
    }

    @Test func theLastPrimaryIsOfTheNewestTimeline() throws {
        let standby = try progress("shut down in recovery", 2)
        let former = try progress("in production", 1)
        let last = try progress("in production", 2)
        #expect(ServerProgress.lastPrimary(["a": former, "b": last, "c": standby]) == "b")
        #expect(ServerProgress.lastPrimary(["a": last]) == "a")
    }

    @Test func whereItIsNotCertainNobodyIsChosen() throws {
        let standby = try progress("in archive recovery", 2)
        let primary = try progress("in production", 2)
        #expect(ServerProgress.lastPrimary([:]) == nil)
        #expect(ServerProgress.lastPrimary(["a": standby, "b": standby]) == nil)
        #expect(ServerProgress.lastPrimary(["a": primary, "b": primary]) == nil)
        // A standby that follows somebody whose volume is not among them.
        #expect(try ServerProgress.lastPrimary(["a": progress("in production", 1), "b": standby]) == nil)
    }
}
