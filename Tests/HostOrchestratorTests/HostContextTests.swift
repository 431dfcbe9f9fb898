import Foundation
import Shared
import TestSupport
import Testing

@Suite struct HostContextTests {
    /// Vagrant's children live as long as the machine, and everybody of the same user may read their environments. The agent
    /// stands for them here.
    @Test func aPasswordLeavesTheEnvironmentBeforeAMachineIsAsked() async throws {
        let scratch = ScratchDirectory()
        let project = try PgafProject(
            directory: "\(scratch.path)/project",
            yaml: "machine: {kind: local}\npasswords: {superuser: \"env:SOME_PASSWORD\"}\n")
        let agent = try HostileAgent(in: scratch.path, up: "env > \"$files/environment\"; exit 1")
        let password = "marked-\(RunIdentifier.new())"
        _ = try await project.observed(
            ["up", "--progress", "plain"], agent: agent, environment: ["SOME_PASSWORD": password])
        let environment = try String(contentsOfFile: "\(scratch.path)/environment", encoding: .utf8)
        #expect(environment.contains("PATH=") && !environment.contains("SOME_PASSWORD"))
        #expect(!environment.contains(password))
    }
}
