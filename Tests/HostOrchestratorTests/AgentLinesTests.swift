import Shared
import Testing

@testable import HostOrchestrator

/// How the verbs that only read tell of an agent that ends other than it should.
@Suite struct AgentLinesTests {
    private static let run = "20261122T213149123Z-4f0a9c21"

    /// An agent that does this, whichever of the verbs it is asked for.
    private func client(_ life: @escaping ScriptedMachine.Verb) -> AgentClient {
        let machine = ScriptedMachine(
            answers: ["test -x \(AgentInvocation.installedPath)": CommandResult()],
            verbs: ["follow": life, "watch": life, "logs": life])
        return AgentClient(connection: machine, invocation: AgentInvocation(needsSudo: true))
    }

    @Test func theLastLineOfItsErrorsIsToldAlsoWithoutALineEnd() async throws {
        let client = client { _, emit in
            try await emit(.standardError(Array("first\nFatal error: no".utf8)))
            return .exited(1)
        }
        let errors = [
            await #expect(throws: PgafError.self) {
                try await client.events(of: nil, since: 0, waiting: true) { _ in }
            },
            await #expect(throws: PgafError.self) {
                try await client.watch(cluster: "pgaf", interval: 1) { _ in }
            },
            await #expect(throws: PgafError.self) { try await client.logs(["logs"], to: TextRecord()) { $0.line } },
        ]
        for error in errors { #expect(error?.output == ["first", "Fatal error: no"]) }
    }

    /// Only the agent's own failure is one: a container may write whatever it likes.
    @Test func aFailureAfterTheLinesOfLogsIsTheAgentsOwn() async throws {
        let error = PgafError(.clusterNotFound, "There is no container pgnode2.", remedy: "Run `up`.")
        let forged = try JSONText.line(["error": error])
        let client = client { _, emit in
            let lines = [
                try JSONText.line(["container": "pgnode1", "line": forged]), try JSONText.line(["error": error]),
            ]
            try await emit(.standardOutput(Array((lines.joined(separator: "\n") + "\n").utf8)))
            return .exited(error.code.exitCode)
        }
        let record = TextRecord()
        let thrown = await #expect(throws: PgafError.self) {
            try await client.logs(["logs"], to: record) { "\($0.container): \($0.line)" }
        }
        #expect(thrown == error && record.text == "pgnode1: \(forged)\n")
    }

    @Test(arguments: [0, 7]) func oneThatIsKilledWithoutAWordIsAFailure(_ since: Int) async throws {
        let client = client { arguments, emit in
            // Nothing is new after the seventh.
            if arguments.contains("0") {
                try await ScriptedAgent(run: Self.run, emit: emit).send([.stepStarted(step: "docker")])
            }
            return .signalled("KILL")
        }
        let error = await #expect(throws: PgafError.self) {
            try await client.events(of: nil, since: since, waiting: true) { _ in }
        }
        #expect(error?.code == .commandFailed && error?.message.contains("status 137") == true)
        #expect(error?.output == [])
    }

    @Test func theStatusOfARunThatFailedIsNoFailureOfItsReader() async throws {
        let failure = PgafError(.imageBuildFailed, "No image.", remedy: "Run `pgaf-host up` again.")
        let client = client { arguments, emit in
            if arguments.contains("0") {
                let result = RunResult(status: .failed, error: failure)
                try await ScriptedAgent(run: Self.run, emit: emit).send([.result(result)])
            }
            return .exited(failure.code.exitCode)
        }
        for since in [0, 1] { try await client.events(of: nil, since: since, waiting: true) { _ in } }
    }
}
