import Shared
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

    @Test(arguments: [
        "hello\n", "{}\n", "\u{1b}[2J\n", "{\"v\":1,\"type\":\"plan\"}\n", String(repeating: "x", count: 70_000) + "\n",
    ])
    func aLineThatIsNoEventIsAViolation(_ garbage: String) async throws {
        let (error, host) = try await failure { request, emit in
            try await emit(.standardOutput(Array(garbage.utf8)))
            return .exited(0)
        }
        #expect(error.code == .protocolViolation)
        #expect(!host.errors.text.contains("\u{1b}"))
    }

    @Test func anotherVersionOfTheProtocolIsAMismatch() async throws {
        let (error, _) = try await failure { _, emit in
            try await emit(.standardOutput(Array("{\"v\":2,\"type\":\"hello\"}\n".utf8)))
            return .exited(0)
        }
        #expect(error.code == .protocolMismatch)
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
}
