import Shared
import Testing

@testable import GuestAgent

@Suite struct MachineWatchTests {
    private let machine = TestMachine()

    private func watch(
        _ container: String? = nil, needing needed: [String] = [], patience: Duration = .seconds(60)
    ) -> MachineWatch {
        MachineWatch(
            docker: Docker(runner: machine.runner), disk: DockerDisk(runner: machine.runner, files: machine.files),
            container: container, needing: needed, every: .zero, patience: patience)
    }

    /// What Docker says of containers, by name.
    private func containers(_ states: KeyValuePairs<String, String>) {
        let objects = states.map { name, status in
            #"{"Name":"/\#(name)","State":{"Status":"\#(status)","Running":\#(status == "running"),"ExitCode":0},"#
                + #""Config":{"Labels":{}}}"#
        }
        machine.runner.on("docker", "container", "inspect", prints: "[\(objects.joined(separator: ","))]")
    }

    private func failure(_ watch: MachineWatch) async throws -> ErrorCode? {
        do {
            try await watch.look()
            return nil
        } catch let error as PgafError { return error.code }
    }

    @Test func aFullDiskEndsTheWaitButNotAtTheFirstLook() async throws {
        machine.runner.on("docker", prints: "27.5.1\n").on("df", prints: "Avail\n0\n")
        let watch = watch()
        #expect(try await failure(watch) == nil && machine.runner.commands.isEmpty)
        #expect(try await failure(watch) == .diskFull)
    }

    @Test func aContainerThatNobodyStartsEndsTheWait() async throws {
        machine.runner.on("docker", prints: "27.5.1\n").on("df", prints: "Avail\n4000\n")
        let watch = watch("a")
        containers(["a": "restarting"])
        for _ in 0..<3 { #expect(try await failure(watch) == nil) }
        containers(["a": "exited"])
        #expect(try await failure(watch) == nil)
        #expect(try await failure(watch) == .nodeFailed)
    }

    /// An engine that was killed and is there again has started one container, and not the monitor, on which that waits.
    @Test func aMonitorThatNobodyStartsEndsTheWaitForAnother() async throws {
        machine.runner.on("docker", prints: "27.5.1\n").on("df", prints: "Avail\n4000\n")
        containers(["a": "running", "monitor": "exited"])
        let watch = watch("a", needing: ["monitor"])
        // The first look only begins the rhythm, the second may be that of a moment.
        for _ in 0..<2 { #expect(try await failure(watch) == nil) }
        let error = await #expect(throws: PgafError.self) { try await watch.look() }
        #expect(error?.code == .nodeFailed && error?.message.contains("container monitor is stopped") == true)
    }

    @Test func anEngineMayBeAwayForAMoment() async throws {
        machine.runner.on("docker", status: 1).on("df", prints: "Avail\n4000\n")
        let patient = watch()
        for _ in 0..<3 { #expect(try await failure(patient) == nil) }
        let impatient = watch(patience: .zero)
        #expect(try await failure(impatient) == nil)
        #expect(try await failure(impatient) == .dockerUnavailable)
    }
}
