import Foundation
import Shared
import TestSupport
import Testing

@testable import HostOrchestrator

/// `doctor`, against a scripted machine and a computer that pretends.
@Suite struct DoctorTests {
    private func findings(_ host: TestHost, _ resources: HostResources = Self.plenty) async -> [Doctor.Finding] {
        await Doctor(context: host.context(), choice: ConfigurationChoice(), resources: resources).findings()
    }

    private static let plenty = HostResources(isFree: { _ in true }, freeMemory: { 64_000 }, freeDisk: { _ in 64_000 })
    private static let poor = HostResources(isFree: { $0 != 5002 }, freeMemory: { 1000 }, freeDisk: { _ in 1000 })

    private func warnings(_ findings: [Doctor.Finding]) -> [String] {
        findings.filter { $0.verdict == .warning }.map(\.subject)
    }

    @Test func beforeTheFirstUpTheComputerIsLookedAt() async throws {
        let host = TestHost(ScriptedMachine(outlook: MachineOutlook(.missing)))
        let good = await findings(host)
        #expect(good.map(\.subject) == ["configuration", "agent", "machine", "ports", "memory", "disk"])
        #expect(good.allSatisfy { $0.verdict == .ok })
        let bad = await findings(host, Self.poor)
        #expect(warnings(bad) == ["ports", "memory", "disk"])
        #expect(bad.first { $0.subject == "ports" }?.text.contains("5002") == true)
        #expect(host.machine.story.isEmpty && host.scratch.everything().isEmpty)
    }

    /// The cluster is the one that is remembered; what the next `up` would begin with is looked at all the same.
    @Test func aTypoMadeSinceTheLastUpIsTold() async throws {
        let host = TestHost(ScriptedMachine(outlook: MachineOutlook(.stopped)))
        try host.scratch.project.prepare()
        try ClusterMemory(host.configuration).save(in: host.scratch.project)
        var context = host.context()
        context.loadConfiguration = { _ in
            throw PgafError(.configurationUnknownKey, "There is no key \"nods\".", remedy: "Correct it.")
        }
        let found = await Doctor(context: context, choice: ConfigurationChoice(), resources: Self.plenty).findings()
        #expect(found.first?.code == .configurationUnknownKey)
        #expect(found.contains { $0.subject == "machine" })
    }

    @Test func aRunningMachineIsAskedForItsCluster() async throws {
        var state = ScriptedAgent.formation
        state.warnings = ["The certificate of pgnode1 ends in 3 days: `pgaf-host up` makes another one."]
        let answer = CommandResult(standardOutput: String(decoding: try JSONEncoder().encode(state), as: UTF8.self))
        let host = TestHost(ScriptedMachine(answers: ["status --json --cluster pgaf": answer]))
        let found = await findings(host, Self.poor)
        #expect(found.map(\.subject) == ["configuration", "agent", "machine", "login", "cluster", "cluster"])
        #expect(warnings(found) == ["cluster", "cluster"] && found.last?.text.contains("3 days") == true)
        #expect(host.machine.story == ["connect", "close"])
    }

    @Test func whatFailsSaysWhatToTypeAndSetsTheExitCode() async throws {
        var host = TestHost(ScriptedMachine(outlook: MachineOutlook(.stopped, notes: ["a note"])))
        host.environment["PGAF_AGENT"] = "/nowhere/agent"
        host.configuration.access.clientAuth = .trust
        let code = try await Doctor.run(ConfigurationChoice(), json: false, in: host.context())
        #expect(code == ErrorCode.agentMissing.exitCode)
        let lines = host.output.lines
        #expect(lines.contains { $0.hasPrefix("warning configuration access.client_auth is trust") })
        #expect(lines.contains { $0.hasPrefix("FAILED  agent         PGAF_AGENT names /nowhere/agent") })
        #expect(lines.contains { $0.hasPrefix("                      Build the agent with") })
        #expect(lines.contains { $0.hasPrefix("warning machine") && $0.contains("`pgaf-host up` starts it") })
        _ = try await Doctor.run(ConfigurationChoice(), json: true, in: host.context())
        #expect(host.output.text.contains("\"code\" : \"agent.missing\""))
    }

    @Test func anAgentWithoutAClusterIsNoFailure() async throws {
        let host = TestHost(ScriptedMachine(answers: ["test -x /usr/local/bin/pgaf-agent": CommandResult(status: 1)]))
        let found = await findings(host)
        #expect(found.last == .ok("cluster", "there is none yet: `pgaf-host up` makes it"))
    }
}
