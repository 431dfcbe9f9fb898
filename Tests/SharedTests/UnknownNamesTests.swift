import Shared
import Testing

/// What is said of a name that nothing has.
@Suite struct UnknownNamesTests {
    @Test func theNodeThatWasMeantIsSuggested() {
        let names = ["pgnode1", "monitor_node"]
        let slip = PgafError.unknownNode("monitor_nod", among: names)
        #expect(slip.code == .usage && slip.message == "There is no node \"monitor_nod\" in the cluster.")
        #expect(slip.remedy == "Did you mean monitor_node? Name one of pgnode1, monitor_node.")
        #expect(PgafError.unknownNode("nobody", among: names).remedy == "Name one of pgnode1, monitor_node.")
        let harm = PgafError.unknownNode("\u{1b}[2J" + String(repeating: "x", count: 200), among: names)
        #expect(harm.message.hasPrefix("There is no node \"·[2Jxx") && harm.message.count < 120)
    }

    @Test func whatIsNoRunIsRefused() throws {
        try RunIdentifier.check(RunIdentifier.new())
        let error = #expect(throws: PgafError.self) { try RunIdentifier.check("../\u{1b}[2J") }
        #expect(error?.code == .runNotFound && error?.message == "\"../·[2J\" is not the id of a run.")
    }
}
