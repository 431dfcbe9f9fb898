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

@Suite struct MachineWatchTests {
    private let machine = TestMachine()

    private func watch(patience: Duration) -> MachineWatch {
        MachineWatch(
            docker: Docker(runner: machine.runner), disk: DockerDisk(runner: machine.runner, files: machine.files),
            container: nil, every: .zero, patience: patience)
    }

    private func failure(_ watch: MachineWatch) async throws -> ErrorCode? {
        do {
            try await watch.look()
            return nil
        } catch let error as PgafError { return error.code }
    }

    @Test func aFullDiskEndsTheWaitButNotAtTheFirstLook() async throws {
        machine.runner.on("docker", prints: "27.5.1\n").on("df", prints: "Avail\n0\n")
        let watch = watch(patience: .seconds(60))
        #expect(try await failure(watch) == nil && machine.runner.commands.isEmpty)
        #expect(try await failure(watch) == .diskFull)
    }

    @Test func aContainerThatNobodyStartsEndsTheWait() async throws {
        func container(_ status: String) {
            machine.runner.on(
                "docker", "container", "inspect", "a",
                prints:
                    #"[{"Name":"/a","State":{"Status":"\#(status)","Running":false,"ExitCode":0},"Config":{"Labels":{}}}]"#
            )
        }
        machine.runner.on("docker", prints: "27.5.1\n").on("df", prints: "Avail\n4000\n")
        let watch = MachineWatch(
            docker: Docker(runner: machine.runner), disk: DockerDisk(runner: machine.runner, files: machine.files),
            container: "a", every: .zero, patience: .seconds(60))
        container("restarting")
        for _ in 0..<3 { #expect(try await failure(watch) == nil) }
        container("exited")
        #expect(try await failure(watch) == nil)
        #expect(try await failure(watch) == .nodeFailed)
    }

    /// An engine that was killed and is there again has started one container, and not the monitor, on which that waits.
    @Test func aMonitorThatNobodyStartsEndsTheWaitForAnother() async throws {
        func state(_ name: String, _ status: String) -> String {
            #"{"Name":"/\#(name)","State":{"Status":"\#(status)","Running":\#(status == "running"),"ExitCode":0},"Config":{"Labels":{}}}"#
        }
        let both = "[\(state("a", "running")),\(state("monitor", "exited"))]"
        machine.runner.on("docker", prints: "27.5.1\n").on("df", prints: "Avail\n4000\n")
            .on("docker", "container", "inspect", prints: both)
        let watch = MachineWatch(
            docker: Docker(runner: machine.runner), disk: DockerDisk(runner: machine.runner, files: machine.files),
            container: "a", needing: ["monitor"], every: .zero, patience: .seconds(60))
        // The first look only begins the rhythm, the second may be that of a moment.
        for _ in 0..<2 { #expect(try await failure(watch) == nil) }
        let error = await #expect(throws: PgafError.self) { try await watch.look() }
        #expect(error?.code == .nodeFailed && error?.message.contains("container monitor is stopped") == true)
    }

    @Test func anEngineMayBeAwayForAMoment() async throws {
        machine.runner.on("docker", status: 1).on("df", prints: "Avail\n4000\n")
        let patient = watch(patience: .seconds(60))
        for _ in 0..<3 { #expect(try await failure(patient) == nil) }
        let impatient = watch(patience: .zero)
        #expect(try await failure(impatient) == nil)
        #expect(try await failure(impatient) == .dockerUnavailable)
    }
}
