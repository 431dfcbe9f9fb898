import Foundation
import Shared
import Testing

@Suite(.timeLimit(.minutes(1))) struct FileLockTests {
    private let path = NSTemporaryDirectory() + "pgaf-lock-" + UUID().uuidString

    private func take(_ holder: String = "run B") throws -> FileLock {
        try FileLock(path, subject: "the cluster \"pgaf\"", holder: holder)
    }

    @Test func theSecondIsRefusedWithTheFirstsWords() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let first = try take("run A, since noon, with quite a long text")
        let error = #expect(throws: PgafError.self) { try take() }
        #expect(error?.code == .clusterLocked)
        #expect(
            error?.message
                == "Somebody else works on the cluster \"pgaf\": run A, since noon, with quite a long text.")
        withExtendedLifetime(first) {}
    }

    @Test func isFreeAgainAfterwardsAndTellsTheNewHolder() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        do { withExtendedLifetime(try take("run A with a long text")) {} }
        try withExtendedLifetime(try take("run B")) {
            #expect(try MachineFiles().read(path) == "run B\n")
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test func endsWithItsHoldersProcess() async throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try MachineFiles().write("process X\n", to: path)
        let (held, holds) = AsyncStream<String>.makeStream()
        let command = Command(
            "flock", ["--no-fork", path, "sh", "-c", "echo held; exec sleep 3600"], deadline: .seconds(50))
        let holder = Task { try await SubprocessRunner().run(command) { line in holds.yield(line) } }
        var iterator = held.makeAsyncIterator()
        #expect(await iterator.next() == "held")
        let error = #expect(throws: PgafError.self) { try take() }
        #expect(error?.message.contains("process X") == true)
        holder.cancel()
        _ = try? await holder.value
        let wait = Wait(for: "the lock to be free", upTo: .seconds(30), every: .milliseconds(20), hint: "")
        let path = path
        try await wait.until {
            (try? FileLock(path, subject: "", holder: "")) != nil ? .found(()) : .notYet("")
        }
    }

    @Test func aPlaceThatCannotBeWrittenIsAnError() {
        let error = #expect(throws: PgafError.self) {
            try FileLock("/no/such/directory/lock", subject: "", holder: "")
        }
        #expect(error?.code == .fileFailed)
    }
}
