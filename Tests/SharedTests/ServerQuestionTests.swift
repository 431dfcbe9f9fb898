import Shared
import TestSupport
import Testing

@Suite struct ServerQuestionTests {
    @Test func aPortWhereNobodyIsIsClosedAndOneWithoutAnAnswerIsSilent() {
        #expect(ServerQuestion.ask(.loopback, ListeningPort.free(), patience: .seconds(5)) == .closed)
        // Connected by the system, accepted by nobody.
        let mute = ListeningPort()
        #expect(ServerQuestion.ask(.loopback, mute.number, patience: .milliseconds(50)) == .silent)
    }
}
