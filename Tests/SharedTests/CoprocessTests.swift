import Foundation
import Shared
import Testing

@Suite struct CoprocessTests {
    /// Repeats each line; `die` ends it with a status of its own and words on standard error, `hang` never answers.
    private static let parrot = Command(
        "sh",
        [
            "-c",
            """
            while read -r line; do
                case "$line" in
                die) echo partly; echo "why it died" >&2; exit 3 ;;
                hang) sleep 60 ;;
                *) printf '%s\\n' "$line" ;;
                esac
            done
            """,
        ])

    @Test func oneProgramAnswersInTheOrderOfTheQuestions() async throws {
        let parrot = Coprocess(Self.parrot)
        for number in 1...50 {
            let answer = try await parrot.exchange(
                Secret("number \(number)\nend-\(number)\n"), mark: "end-\(number)", deadline: .seconds(30))
            #expect(answer == .answered("number \(number)\n"))
        }
        await parrot.close()
    }

    @Test func questionsOfManyAreAnsweredEach() async throws {
        let parrot = Coprocess(Self.parrot)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...50 {
                group.addTask {
                    let answer = try await parrot.exchange(
                        Secret("question \(number)\nend-\(number)\n"), mark: "end-\(number)", deadline: .seconds(30))
                    #expect(answer == .answered("question \(number)\n"))
                }
            }
            try await group.waitForAll()
        }
        await parrot.close()
    }

    @Test func aProgramThatEndsSaysHowToAllThatAsked() async throws {
        let parrot = Coprocess(Self.parrot)
        let end = try await parrot.exchange(Secret("die\nend\n"), mark: "end", deadline: .seconds(30))
        #expect(end == .ended(CommandResult(status: 3, standardError: "why it died\n")))
        guard case .ended = try await parrot.exchange(Secret("x\nend\n"), mark: "end", deadline: .seconds(30)) else {
            Issue.record("a dead program answered")
            return
        }
        await parrot.close()
    }

    @Test func noAnswerInTimeEndsTheProgram() async throws {
        let parrot = Coprocess(Self.parrot)
        await #expect {
            _ = try await parrot.exchange(Secret("hang\nend\n"), mark: "end", deadline: .milliseconds(300))
        } throws: { error in
            (error as? PgafError)?.code == .timeout
        }
        await parrot.close()
    }

    @Test func whoeverIsCancelledStopsWaiting() async throws {
        let parrot = Coprocess(Self.parrot)
        let asking = Task { try await parrot.exchange(Secret("hang\nend\n"), mark: "end", deadline: .seconds(60)) }
        asking.cancel()
        await #expect(throws: CancellationError.self) { _ = try await asking.value }
        await parrot.close()
    }

    @Test func aMissingProgramIsNamed() async throws {
        let missing = Coprocess(Command("no-such-program-anywhere"))
        await #expect {
            _ = try await missing.exchange(Secret("x"), mark: "x", deadline: .seconds(30))
        } throws: { error in
            (error as? PgafError)?.code == .commandNotFound
        }
    }
}

@Suite struct TurnstileTests {
    @Test func noMoreThanTheLimitAreInsideAtOnce() async throws {
        let turnstile = Turnstile(3)
        let inside = Gauge()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    try await turnstile.pass {
                        await inside.enter()
                        await Task.yield()
                        await inside.leave()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(await inside.highest <= 3)
        #expect(await inside.total == 100)
    }

    @Test func whoeverIsCancelledWhileWaitingLetsTheOthersThrough() async throws {
        let turnstile = Turnstile(1)
        let (gate, opener) = AsyncStream.makeStream(of: Void.self)
        let (entered, reporter) = AsyncStream.makeStream(of: Void.self)
        let first = Task {
            try await turnstile.pass {
                reporter.finish()
                for await _ in gate {}
            }
        }
        for await _ in entered {}
        let second = Task { try await turnstile.pass { Issue.record("a cancelled task came through") } }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        opener.finish()
        try await first.value
        #expect(try await turnstile.pass { 7 } == 7)
    }

    private actor Gauge {
        private var now = 0
        private(set) var highest = 0
        private(set) var total = 0

        func enter() {
            now += 1
            total += 1
            highest = max(highest, now)
        }

        func leave() { now -= 1 }
    }
}
