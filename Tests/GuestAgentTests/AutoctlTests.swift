import Foundation
import Shared
import Synchronization
import TestSupport
import Testing

@testable import GuestAgent

@Suite struct AutoctlTests {
    /// Runs what would run in the container here, with a pg_autoctl of the test's own.
    ///
    /// - Returns: the status, and what the settings are after that.
    private func configure(_ program: String) async throws -> (status: Int32, settings: String) {
        let machine = TestMachine()
        machine.runner.on("docker", "exec")
        try await Autoctl(runner: machine.runner).configure("pgnode1", "timeout.x", "5")
        let words = try #require(machine.runner.lines.first)
        #expect(words.prefix(6) == ["docker", "exec", "--user", "postgres", "pgnode1", "sh"])
        #expect(words.suffix(3) == ["sh", "timeout.x", "5"], "no value stands in the script")
        let scratch = ScratchDirectory()
        func local(_ text: String) -> String { text.replacing("/var/lib/pgaf", with: scratch.path) }
        let file = local(ContainerLayout.keeperConfiguration)
        let directory = URL(filePath: file).deletingLastPathComponent().path()
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try "x = 20\n".write(toFile: file, atomically: true, encoding: .utf8)
        let tools = "\(scratch.path)/tools"
        try FileManager.default.createDirectory(atPath: tools, withIntermediateDirectories: true)
        try "#!/bin/sh\nfile=$XDG_CONFIG_HOME/pg_autoctl\(scratch.path)/data/pg_autoctl.cfg\n: > $file\n\(program)\n"
            .write(
                toFile: "\(tools)/pg_autoctl", atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(tools)/pg_autoctl")
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let result = try await SubprocessRunner().run(
            Command("env", ["PATH=\(tools):\(path)"] + words[5...].map(local)))
        return (result.status, try String(contentsOfFile: file, encoding: .utf8))
    }

    @Test func aValueIsSet() async throws {
        let found = try await configure("echo \"$1 $2 $3 $4\" > $file")
        #expect(found.status == 0 && found.settings == "config set timeout.x 5\n")
    }

    /// pg_autoctl empties the file before it writes it.
    @Test func whatBreaksOffLeavesTheSettingsThatThereWere() async throws {
        let found = try await configure("echo 'No space left on device' >&2; exit 1")
        #expect(found.status != 0 && found.settings == "x = 20\n")
    }

    private static let deadlock = "ERROR:  deadlock detected\nDETAIL:  Process 934 waits for ShareLock\n"

    /// The monitor's function and a node's report had each other's locks, and PostgreSQL undid the former.
    @Test(arguments: [(1, true), (4, true), (5, false)])
    func anOrderThatMeetsADeadlockIsGivenAgain(_ deadlocks: Int, _ succeeds: Bool) async throws {
        let machine = TestMachine()
        let asked = Mutex(0)
        machine.runner.on("docker", "exec") { _ in
            let count = asked.withLock { count in
                count += 1
                return count
            }
            return count > deadlocks ? CommandResult() : CommandResult(status: 3, standardError: Self.deadlock)
        }
        let monitor = machine.context().monitor
        for order in [
            { try await monitor.performFailover() },
            { try await Autoctl(runner: machine.runner).setPriority("pgnode1", 0) },
        ] {
            asked.withLock { $0 = 0 }
            if succeeds {
                try await order()
                #expect(asked.withLock { $0 } == deadlocks + 1)
            } else {
                let error = await #expect(throws: PgafError.self) { try await order() }
                #expect(error?.output.first?.contains("deadlock detected") == true && asked.withLock { $0 } == 5)
            }
        }
    }

    @Test func anyOtherErrorIsToldAtOnce() async throws {
        let machine = TestMachine()
        machine.runner.on("docker", "exec", status: 3, error: "ERROR:  couldn't find the primary node\n")
        await #expect(throws: PgafError.self) { try await machine.context().monitor.performFailover() }
        #expect(machine.runner.commands.count == 1)
    }
}
