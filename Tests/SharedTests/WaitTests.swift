import Shared
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct WaitTests {
    @Test func looksUntilItIsFound() async throws {
        let looks = Mutex(0)
        let told = Mutex<[String]>([])
        let wait = Wait(for: "the thing", upTo: .seconds(50), every: .milliseconds(1), hint: "")
        let tell: @Sendable (Wait, Duration) async -> Void = { wait, _ in
            told.withLock { $0.append(wait.description) }
        }
        let look: @Sendable () -> Wait.Observation<String> = {
            let count = looks.withLock {
                $0 += 1
                return $0
            }
            return count == 3 ? .found("yes \(count)") : .notYet("")
        }
        let found = try await wait.until(onWaiting: tell, look)
        #expect(found == "yes 3" && told.withLock { $0 } == ["the thing", "the thing"])
    }

    @Test func theDeadlineSaysWhatWasAwaitedAndWhatWasFound() async {
        let wait = Wait(
            for: "the thing", upTo: .milliseconds(20), every: .milliseconds(5), hint: "Do this.", code: .nodeFailed)
        let error = await #expect(throws: PgafError.self) {
            try await wait.until { Wait.Observation<Void>.notYet("still red") }
        }
        #expect(
            error
                == PgafError(
                    .nodeFailed, "Waited 20 ms for the thing, in vain.", remedy: "Do this.", cause: "still red"))
    }

    @Test func looksAtLeastOnce() async throws {
        let wait = Wait(for: "x", upTo: .zero, hint: "")
        #expect(try await wait.until { .found(1) } == 1)
    }

    @Test func cancellingEndsIt() async {
        let (looked, looks) = AsyncStream<Void>.makeStream()
        let task = Task {
            try await Wait(for: "x", upTo: .seconds(3600), every: .seconds(3600), hint: "").until {
                looks.finish()
                return Wait.Observation<Void>.notYet("")
            }
        }
        for await _ in looked {}
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func failuresPassThrough() async {
        let error = await #expect(throws: PgafError.self) {
            try await Wait(for: "x", upTo: .seconds(9), hint: "").until { () -> Wait.Observation<Void> in
                throw PgafError(.dockerFailed, "", remedy: "")
            }
        }
        #expect(error?.code == .dockerFailed)
    }

    @Test(arguments: [
        (Duration.milliseconds(340), "340 ms"), (.seconds(4.1), "4.1 s"), (.seconds(5), "5 s"), (.zero, "0 ms"),
        (.seconds(200), "3 min 20 s"), (.seconds(120), "2 min"),
    ])
    func durationsInWords(_ duration: Duration, _ words: String) {
        #expect(duration.brief == words)
    }
}
