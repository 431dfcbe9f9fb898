import Foundation
import Shared
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2))) struct SubprocessRunnerTests {
    private let runner = SubprocessRunner()

    private func shell(_ script: String, input: Secret? = nil, deadline: Duration? = .seconds(60)) -> Command {
        Command("sh", ["-c", script], input: input, deadline: deadline)
    }

    @Test func bothStreamsAndTheStatus() async throws {
        let result = try await runner.run(shell("echo out; echo err >&2; exit 7"))
        #expect(result == CommandResult(status: 7, standardOutput: "out\n", standardError: "err\n"))
    }

    @Test(arguments: [("TERM", Int32(143)), ("KILL", 137)])
    func aSignalCountsAsShellsCount(_ signal: String, _ status: Int32) async throws {
        #expect(try await runner.run(shell("kill -\(signal) $$; sleep 60")).status == status)
    }

    @Test func inputIsGivenAndClosed() async throws {
        let text = String(repeating: "ü'\n", count: 100_000)
        #expect(try await runner.run(Command("cat", input: Secret(text))).standardOutput == text)
        #expect(try await runner.run(Command("cat")).standardOutput.isEmpty)
    }

    @Test func environmentIsAddedAndTheDirectoryTaken() async throws {
        let command = Command("sh", ["-c", "echo $PGAF_A; pwd"], environment: ["PGAF_A": "a b"], workingDirectory: "/")
        #expect(try await runner.run(command).standardOutput == "a b\n/\n")
    }

    @Test(arguments: ["no-such-program-of-pgaf", "/no/such/program"])
    func aMissingProgram(_ name: String) async {
        let error = await #expect(throws: PgafError.self) { try await runner.run(Command(name)) }
        #expect(error?.code == .commandNotFound && error?.message.contains(name) == true)
    }

    @Test func linesComeAsTheyAreWritten() async throws {
        let lines = Mutex<[String]>([])
        _ = try await runner.run(shell("printf 'a\\rb\\n\\nc'")) { line in lines.withLock { $0.append(line) } }
        #expect(lines.withLock { $0 } == ["a", "b", "c"])
    }

    @Test func theEndOfMuchOutputIsKept() async throws {
        let result = try await SubprocessRunner(limit: 1 << 20).run(
            shell("head -c 10485760 /dev/zero | tr '\\0' x; echo end"))
        #expect(result.standardOutput.utf8.count == 1 << 20)
        #expect(result.standardOutput.hasSuffix("xxend\n"))
    }

    private func isAlive(_ identifier: String) -> Bool {
        guard let number = Int32(identifier), number > 0 else { return false }
        // A process that has ended and waits for its parent to look is no longer alive.
        let stat = (try? String(contentsOfFile: "/proc/\(number)/stat", encoding: .utf8)) ?? ""
        return kill(number, 0) == 0 && !stat.contains(") Z ")
    }

    @Test(arguments: ["", "trap '' TERM;"])
    func afterTheDeadlineTheProcessIsGone(_ trap: String) async throws {
        let identifier = Mutex("")
        let command = shell("\(trap) echo $$; while :; do sleep 0.2; done", deadline: .seconds(1))
        let error = await #expect(throws: PgafError.self) {
            try await runner.run(command) { line in identifier.withLock { $0 = line } }
        }
        #expect(error?.code == .timeout)
        let process = identifier.withLock { $0 }
        try #require(!process.isEmpty)
        #expect(!isAlive(process))
    }

    @Test func cancellingIsNoTimeoutAndEndsTheProcess() async throws {
        let (started, starts) = AsyncStream<String>.makeStream()
        let runner = runner
        let command = shell("echo $$; exec sleep 3600", deadline: .seconds(60))
        let task = Task { try await runner.run(command) { line in starts.yield(line) } }
        var iterator = started.makeAsyncIterator()
        let process = await iterator.next() ?? ""
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(!process.isEmpty && !isAlive(process))
    }

    @Test func aCheckedFailureSaysWhatFailed() async {
        let error = await #expect(throws: PgafError.self) {
            try await runner.checked(shell("echo one >&2; exit 3"), code: .packagesFailed, remedy: "Do this.")
        }
        #expect(error?.code == .packagesFailed && error?.output == ["one"] && error?.remedy == "Do this.")
        #expect(error?.cause?.hasSuffix("ended with status 3") == true)
    }

    @Test func inputAndEnvironmentAreNotShown() {
        let command = Command("a", ["b c"], environment: ["D": "hidden"], input: Secret("hidden"))
        #expect(command.display == "a 'b c'" && !"\(command)".contains("Secret(\"hidden"))
    }

    @Test func aProgramThatDoesNotReadItsInputIsJudgedByItsStatusAlone() async throws {
        // As both programs do when they start.
        signal(SIGPIPE, SIG_IGN)
        let input = Secret(String(repeating: "SELECT 1;\n", count: 200_000))
        for _ in 0..<20 {
            let result = try await runner.run(shell("exec 0<&-; echo gone >&2; exit 3", input: input))
            #expect(result.status == 3)
            #expect(result.standardError == "gone\n")
        }
    }
}
