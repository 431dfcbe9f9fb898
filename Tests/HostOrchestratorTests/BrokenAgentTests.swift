import Shared
import TestSupport
import Testing

@testable import HostOrchestrator

/// Agents that die, lie or never stop talking.
@Suite struct BrokenAgentTests {
    private func failure(_ script: @escaping ScriptedMachine.Script) async throws -> (PgafError, TestHost) {
        let host = TestHost(ScriptedMachine(script: script))
        #expect(try await host.up() != 0)
        guard case .result(let result) = try host.events().last?.body, let error = result.error else {
            throw ExpectationFailure()
        }
        #expect(host.machine.story.last == "close")
        return (error, host)
    }

    @Test func anAgentThatDiesIsReportedWithItsLastWords() async throws {
        let (error, _) = try await failure { request, emit in
            try await ScriptedAgent(run: request.run, emit: emit).send([.stepStarted(step: "docker")])
            let words = (1...20).map { "line \($0)\n" }.joined() + "Fatal error: \u{1b}[31mno\u{7}"
            try await emit(.standardError(Array(words.utf8)))
            return .signalled("KILL")
        }
        #expect(error.code == .agentDied)
        #expect(error.message == "The agent ended without a result: signal KILL.")
        #expect(error.cause == "its last event was number 1")
        #expect(error.output.count == 12)
        #expect(error.output.last == "Fatal error: no·")
        #expect(error.remedy.contains("pgaf-host up"))
    }

    @Test func aGapInTheNumbersIsAViolation() async throws {
        let (error, _) = try await failure { request, emit in
            let agent = ScriptedAgent(run: request.run, emit: emit)
            try await agent.send([.stepStarted(step: "docker")])
            try await agent.send([.stepStarted(step: "image")], from: 3)
            return .exited(0)
        }
        #expect(error.code == .protocolViolation)
        #expect(error.message == "The agent sent event number 3 where 2 was due.")
    }

    @Test(arguments: try Corpus.cases("events.txt").filter { !$0.isCarried && !$0.bytes.isEmpty })
    func aLineThatIsNoEventIsAViolation(_ hostile: CorpusCase) async throws {
        let (error, host) = try await failure { _, emit in
            try await emit(.standardOutput(hostile.bytes + [UInt8(ascii: "\n")]))
            return .exited(0)
        }
        #expect(hostile.fate == .refused(error.code))
        #expect(!host.errors.text.unicodeScalars.contains { $0 != "\n" && $0.isHarmfulInTerminals })
    }

    @Test func nothingMayFollowTheResult() async throws {
        let (error, _) = try await failure { request, emit in
            try await ScriptedAgent(run: request.run, emit: emit).send([
                .result(RunResult(status: .ok)), .stepStarted(step: "late"),
            ])
            return .exited(0)
        }
        #expect(error.code == .protocolViolation)
    }

    @Test func eventsOfAnotherRunAreRefused() async throws {
        let (error, _) = try await failure { _, emit in
            try await ScriptedAgent(run: RunIdentifier.new(), emit: emit).send([.stepStarted(step: "docker")])
            return .exited(0)
        }
        #expect(error.code == .protocolViolation)
    }

    @Test func unknownTypesOfEventsAreNoFailure() async throws {
        let host = TestHost(
            ScriptedMachine { request, emit in
                let line = """
                    {"v":1,"run":"\(request.run)","seq":1,"time":"2026-01-02T03:04:05.678Z","type":"step.danced"}

                    """
                try await emit(.standardOutput(Array(line.utf8)))
                let agent = ScriptedAgent(run: request.run, emit: emit)
                try await agent.send([.result(RunResult(status: .ok))], from: 2)
                return .exited(0)
            })
        #expect(try await host.up() == 0)
    }

    @Test func absurdNumbersDoNotEndTheProgram() async throws {
        let host = TestHost(
            ScriptedMachine { request, emit in
                var state = ScriptedAgent.formation
                state.nodes[0].lag = .max
                try await ScriptedAgent(run: request.run, emit: emit).send([
                    .stepProgress(step: "a", fraction: 1e300, message: nil),
                    .stepFinished(step: "a", outcome: .changed, seconds: 1e300),
                    .heartbeat(
                        Heartbeat(
                            step: "a", awaiting: "b", since: "0001-01-01T00:00:00.000Z",
                            until: "9999-01-01T00:00:00.000Z")),
                    .state(state), .result(RunResult(status: .ok, changed: .max)),
                ])
                return .exited(0)
            })
        #expect(try await host.up() == 0)
        #expect(try await host.up(Up.Options(progress: .ansi)) == 0)
    }

    @Test func moreThanARunEverHasIsAViolation() async throws {
        let stream = AgentStream(
            run: nil, limit: 1 << 20, recorder: RunRecorder(showing: "r", on: SilentDisplay()))
        let piece = [UInt8](repeating: UInt8(ascii: "\n"), count: 1 << 19)
        try await stream.take(.standardError(piece))
        try await stream.take(.standardOutput(piece))
        let error = await #expect(throws: PgafError.self) { try await stream.take(.standardError([0])) }
        #expect(error?.code == .protocolViolation && error?.message.contains("1048576 bytes") == true)
    }

    /// An event may have 64 KiB, and there may be a million of them.
    @Test func littleIsKeptOfWhatIsDrawn() {
        var state = ProgressState()
        let long = String(repeating: "x", count: 60_000)
        for number in 0..<600 {
            for body: Event.Body in [
                .stepProgress(step: "\(number)\(long)", fraction: nil, message: long),
                .stepOutput(step: "\(number)\(long)", line: long),
                .heartbeat(Heartbeat(step: "\(number)\(long)", awaiting: long, since: long, until: nil)),
            ] {
                state.apply(Event(run: "r", seq: 1, time: long, body: body), now: 1)
            }
        }
        #expect(state.steps.count == ProgressState.maximumSteps)
        let texts = state.steps.flatMap {
            [$0.id, $0.title, $0.message, $0.lastLine, $0.waiting?.what].compactMap { $0 }
        }
        #expect(texts.count == 5 * ProgressState.maximumSteps)
        #expect(texts.allSatisfy { $0.utf8.count <= ProgressState.maximumText })
    }
}
