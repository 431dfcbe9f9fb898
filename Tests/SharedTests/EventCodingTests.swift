import Shared
import Testing

@Suite struct EventCodingTests {
    @Test(arguments: EventSamples.bodies) func comesBackAsItWas(_ body: Event.Body) throws {
        let event = EventSamples.event(body, seq: 7)
        let line = try EventCoding.encode(event)
        #expect(!line.unicodeScalars.contains { $0.value < 32 })
        #expect(try EventCoding.decode(line) == event)
        #expect(try EventCoding.encode(event) == line)
    }

    @Test func everyTypeHasASample() {
        let types = Set(EventSamples.bodies.map(\.type))
        #expect(
            types == [
                "hello", "plan", "step.started", "step.progress", "step.output", "step.finished", "step.failed",
                "state",
                "heartbeat", "result",
            ])
    }

    @Test func keysAreSorted() throws {
        let line = try EventCoding.encode(
            EventSamples.event(.stepFinished(step: "node.pgnode2", outcome: .changed, seconds: 4.5), seq: 12))
        let expected =
            #"{"outcome":"changed","run":"r1","seconds":4.5,"seq":12,"step":"node.pgnode2","#
            + #""time":"2026-01-02T03:04:05.678Z","type":"step.finished","v":1}"#
        #expect(line == expected)
    }

    @Test func unknownTypesAndKeysAreIgnored() throws {
        let unknown = try EventCoding.decode(#"{"v":1,"run":"r","seq":3,"time":"t","type":"step.renamed","x":[{}]}"#)
        #expect(unknown.body == .unknown(type: "step.renamed"))
        #expect(unknown.seq == 3)
        let extra = try EventCoding.decode(
            #"{"v":1,"run":"r","seq":1,"time":"t","type":"step.started","step":"a","new":1,"hello":7}"#)
        #expect(extra.body == .stepStarted(step: "a"))
        let error = try EventCoding.decode(
            #"{"v":1,"run":"r","seq":1,"time":"t","type":"step.failed","step":"a","seconds":1,"#
                + #""error":{"code":"from.tomorrow","message":"m","remedy":"r","more":1}}"#)
        #expect(error.body == .stepFailed(step: "a", error: PgafError(.internalError, "m", remedy: "r"), seconds: 1))
    }

    @Test(arguments: [70_000, 1_000_000]) func longTextsAreCutToTheLimit(_ length: Int) throws {
        for text in [String(repeating: "x", count: length), String(repeating: "\u{1}", count: length / 2)] {
            var error = EventSamples.error
            error.message = text
            error.output = Array(repeating: text, count: 3)
            for body: Event.Body in [
                .stepOutput(step: "a", line: text), .stepProgress(step: "a", fraction: nil, message: text),
                .stepFailed(step: "a", error: error, seconds: 1), .result(RunResult(status: .failed, error: error)),
            ] {
                let line = try EventCoding.encode(EventSamples.event(body))
                #expect(line.utf8.count <= 64 << 10)
                #expect(try EventCoding.decode(line).body.type == body.type)
            }
        }
    }

    @Test func aPlanThatIsTooLongCountsWhatItLeavesOut() throws {
        let steps = (0..<40).map { number in
            PlannedStep(
                id: "access.pgnode\(number)", title: "access", dependencies: [], action: .change,
                changes: (0..<60).map { "pgnode\(number), postgresql.conf: + setting_\($0) value" })
        }
        let line = try EventCoding.encode(EventSamples.event(.plan(steps)))
        #expect(line.utf8.count <= 64 << 10)
        guard case .plan(let read) = try EventCoding.decode(line).body else { throw EventSamples.error }
        #expect(read.count == 40 && read.allSatisfy { $0.action == .change })
        let first = try #require(read.first)
        #expect(first.changes.dropLast() == steps[0].changes.prefix(first.changes.count - 1))
        #expect(first.changes.last == "… and \(60 - (first.changes.count - 1)) more")
    }

    @Test func lineAtTheLimitPassesAndOneBeyondDoesNot() throws {
        let body = Event.Body.stepOutput(step: "a", line: "")
        let room = (64 << 10) - (try EventCoding.encode(EventSamples.event(body)).utf8.count)
        let full = EventSamples.event(.stepOutput(step: "a", line: String(repeating: "x", count: room)))
        let line = try EventCoding.encode(full)
        #expect(line.utf8.count == 64 << 10)
        #expect(try EventCoding.decode(line) == full)
        #expect(try #require(failure { try EventCoding.decode(line + " ") }).code == .protocolViolation)
    }

    @Test func whatCannotBeCutIsAnError() throws {
        let event = EventSamples.event(.stepStarted(step: String(repeating: "s", count: 70_000)))
        #expect(try #require(failure { try EventCoding.encode(event) }).code == .protocolViolation)
    }
}
