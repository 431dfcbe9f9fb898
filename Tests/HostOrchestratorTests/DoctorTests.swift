import Foundation
import Shared
import Synchronization
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

    /// VirtualBox's private network: an address that it may use, that leads nowhere else, and that nobody has.
    @Test(arguments: [
        ("192.168.56.150", "192.168.1.0/24", true, "needs no Extension Pack"),
        ("192.168.56.150", "192.168.48.0/20", false, "reaches by eth0"),
        ("10.1.2.3", "192.168.1.0/24", false, "/etc/vbox/networks.conf"),
        ("192.168.56.151", "192.168.1.0/24", false, "the machine of the scripts"),
    ]) func theRangeOfTheHostOnlyNetworkIsLookedAt(
        _ address: String, _ route: String, _ isGood: Bool, _ words: String
    ) async throws {
        var host = TestHost(ScriptedMachine(outlook: MachineOutlook(.missing)))
        host.configuration.machine.vagrant.ip = address
        var resources = Self.plenty
        let network = try #require(IPv4Network(route))
        let vboxnet = Route(interface: "vboxnet0", network: try #require(IPv4Network("192.168.56.0/24")))
        resources.routes = { [vboxnet, Route(interface: "eth0", network: network)] }
        resources.hostOnlyRanges = { HostResources.hostOnlyRanges(inNetworksFile: nil) }
        resources.answers = { $0.description == "192.168.56.151" }
        #expect(await !findings(host, resources).contains { $0.subject == "network" }, "libvirt makes its own")
        host.programs["VBoxManage"] = "/usr/bin/VBoxManage"
        let finding = await findings(host, resources).first { $0.subject == "network" }
        #expect(finding?.verdict == (isGood ? .ok : .warning) && finding?.text.contains(words) == true)
        host.configuration.machine.vagrant.ip = "none"
        #expect(await !findings(host, resources).contains { $0.subject == "network" })
    }

    @Test func theAdministratorMayAllowVirtualBoxOtherRanges() {
        let text = "# ours\n* 10.0.0.0/8 192.168.0.0/16\n* 2001::/64\n"
        #expect(
            HostResources.hostOnlyRanges(inNetworksFile: text).map(\.description) == ["10.0.0.0/8", "192.168.0.0/16"])
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

    /// With the words with which `plan` and `up` refuse; a command that gives a password is not run.
    @Test func whatKeepsTheNextUpFromBeginningIsTold() async throws {
        var host = TestHost(ScriptedMachine(outlook: MachineOutlook(.stopped)))
        host.configuration.passwords.monitor = .command("touch '\(host.scratch.path)/asked'")
        try host.scratch.project.prepare()
        try ClusterMemory(host.configuration).save(in: host.scratch.project)
        #expect(await !findings(host).contains { $0.verdict == .failed })
        host.configuration.cluster = "another"
        host.configuration.passwords.superuser = .environment("PGAF_TEST_UNSET")
        host.configuration.access.certificates = "nowhere"
        host.configuration.machine.vagrant.provider = .virtualbox
        let directory = VagrantProvider.libvirt.dataDirectory(in: host.scratch.project)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try MachineFiles().write("x", to: "\(directory)/id")
        let found = await findings(host)
        #expect(
            found.compactMap(\.code) == [
                .configurationConflict, .configurationConflict, .secretUnavailable, .certificateFailed,
            ])
        #expect(found.contains { $0.text.contains("$PGAF_TEST_UNSET, which is not set") })
        #expect(found.contains { $0.subject == "machine" })
        host.configuration.passwords.superuser = .file("none")
        #expect(await findings(host).contains { $0.code == .secretUnavailable && $0.text.contains("/none") })
        #expect(!MachineFiles().exists("\(host.scratch.path)/asked"))
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

    @Test(arguments: [MachineOutlook.State.missing, .running])
    func aRangeWithoutTheClientsOfThisComputerIsTold(_ state: MachineOutlook.State) async throws {
        var host = TestHost(ScriptedMachine(outlook: MachineOutlook(state)))
        host.machine.clients.withLock { $0 = IPv4Address("10.0.2.2") }
        #expect(await !findings(host).contains { $0.text.contains("10.0.2.2") })
        host.configuration.access.clientCIDR = "192.168.56.0/24"
        #expect(await warnings(findings(host)).last == "configuration")
        guard state == .missing else { return }
        _ = try await Plan.run(Plan.Options(), in: host.context())
        #expect(host.output.text.contains("note: Clients on this computer come through the forwarded ports"))
    }

    @Test func anAgentWithoutAClusterIsNoFailure() async throws {
        let host = TestHost(ScriptedMachine(answers: ["test -x /usr/local/bin/pgaf-agent": CommandResult(status: 1)]))
        let found = await findings(host)
        #expect(found.last == .ok("cluster", "there is none yet: `pgaf-host up` makes it"))
    }
}
