import Shared
import Testing

@testable import GuestAgent

@Suite struct DockerDiskTests {
    private let machine = TestMachine()
    private var disk: DockerDisk { DockerDisk(runner: machine.runner, files: machine.files) }

    private func say(free: Int, logs: String = "") {
        machine.runner.on("docker", "info", prints: "/srv/docker\n").on("df", prints: "Avail\n\(free)\n")
            .on("docker", "logs", prints: logs)
    }

    @Test func aFullDiskExplainsAFailure() async throws {
        say(free: 3)
        let failure = PgafError(
            .nodeFailed, "It failed.", remedy: "Try.", cause: "status 1", output: ["last words"])
        let explained = await disk.explain(failure)
        #expect(explained.code == .diskFull && explained.message.contains("3 MiB are free in /srv/docker"))
        #expect(explained.cause == "It failed. status 1" && explained.output == ["last words"])
    }

    @Test func withRoomAFailureStaysWhatItIs() async throws {
        say(free: 4000)
        let failure = PgafError(.nodeFailed, "It failed.", remedy: "Try.")
        #expect(await disk.explain(failure) == failure)
    }

    @Test func whatFailedForWantOfSpaceGaveBackWhatItHad() async throws {
        say(free: 60, logs: "initdb: error: could not write: No space left on device\nremoving data directory\n")
        let shortage = try #require(try await disk.shortage(of: "pgnode1"))
        #expect(shortage.code == .diskFull && shortage.message.contains("pgnode1"))
        #expect(shortage.cause == "initdb: error: could not write: No space left on device")
        say(free: 60, logs: "all is well\n")
        #expect(try await disk.shortage(of: "pgnode1") == nil)
    }

    /// pg_autoctl repeats the log of its server's last start.
    @Test func whatIsToldOfAnEarlierTimeDoesNotCount() async throws {
        let line =
            "06:15:09 21 FATAL 2026-11-27 06:14:59.149 UTC [166] FATAL:  could not write: No space left on device\n"
        #expect(DockerDisk.time(of: line) == Timestamp.date("2026-11-27T06:14:59.149Z"))
        #expect(DockerDisk.time(of: "06:15:09 21 FATAL No space left on device") == nil)
        say(free: 4000, logs: line)
        #expect(try await disk.shortage(of: "pgnode1", since: .now) == nil)
        #expect(try await disk.shortage(of: "pgnode1")?.code == .diskFull)
    }

    @Test func aDiskThatCannotBeAskedIsNoShortage() async throws {
        machine.runner.lacks("docker").on("df", status: 1)
        #expect(try await disk.shortage() == nil)
    }
}
