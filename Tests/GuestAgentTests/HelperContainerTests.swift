import Shared
import Testing

@testable import GuestAgent

@Suite struct HelperContainerTests {
    private let machine = TestMachine()

    private static let restrictions = [
        "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
        "--pids-limit", "64", "--memory", "256m",
    ]

    /// Also what a registry gave and nobody has looked at.
    @Test func whatRunsForAMomentMayDoNothingElse() async throws {
        let store = CertificateStore(files: machine.files, topology: TestMachine.topology())
        machine.runner.on("docker", "image", "inspect", prints: "sha256:1\n").on("docker", "run")
        let context = machine.context(TestMachine.topology(source: .pgdg))
        // It does not say which system it is, so that nothing comes after the look.
        await #expect(throws: PgafError.self) { try await ImageStep().apply([], context) }
        let look = try #require(machine.runner.commands.last)
        #expect(look.arguments.suffix(2) == ["ubuntu:focal", "/etc/os-release"])
        for command in [store.opensslCommand(in: "/x", script: "true", []), look] {
            #expect(command.arguments.starts(with: Self.restrictions))
            #expect(!command.arguments.contains { ["--cap-add", "--privileged", "--publish"].contains($0) })
        }
    }
}
