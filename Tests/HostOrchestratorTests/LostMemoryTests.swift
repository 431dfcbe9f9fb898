import Foundation
import Shared
import TestSupport
import Testing

@testable import HostOrchestrator

/// A directory without `.pgaf/` whose machine has the cluster.
@Suite struct LostMemoryTests {
    private static func machine(_ status: CommandResult) throws -> ScriptedMachine {
        let plan = ClusterPlan(cluster: "pgaf", steps: [])
        return ScriptedMachine(
            outlook: MachineOutlook(.running),
            answers: [
                "status --json --cluster pgaf": status,
                "pgaf-agent plan": CommandResult(
                    standardOutput: String(decoding: try JSONEncoder().encode(plan), as: UTF8.self)),
            ]
        ) { request, emit in
            try await ScriptedAgent(run: request.run, emit: emit).send(ScriptedAgent.happy(.changed))
            return .exited(0)
        }
    }

    private static func found() throws -> CommandResult {
        CommandResult(
            standardOutput: String(decoding: try JSONEncoder().encode(ScriptedAgent.formation), as: UTF8.self))
    }

    private static func error(_ code: String) -> CommandResult {
        CommandResult(status: 69, standardOutput: #"{"error":{"code":"\#(code)","message":"m","remedy":"r"}}"#)
    }

    private static let sentences = [
        "This directory has no memory of the cluster \"pgaf\", which virtual machine \"test\" has: .pgaf was removed, or"
            + " another directory made it.",
        "Its data stays, and so do its addresses, PostgreSQL version and package source, which the machine remembers.",
        "Its passwords cannot be read back: `up` sets new ones (superuser, monitor, replication), the old ones are refused"
            + " then; `pgaf-host uri --show-password` shows the new ones.",
    ]

    @Test func itIsToldBeforeThePasswordsAreSet() async throws {
        let host = TestHost(try Self.machine(try Self.found()))
        #expect(try await host.up() == 0)
        let events = try host.events()
        let told = events.compactMap { event -> (Int, String)? in
            guard case .stepOutput("agent", let line) = event.body else { return nil }
            return (event.seq, line)
        }
        #expect(told.map(\.1) == Self.sentences.map { "warning: \($0)" })
        let hello = try #require(events.first { $0.body.type == "hello" }).seq
        #expect(told.allSatisfy { $0.0 < hello })
        for sentence in Self.sentences {
            #expect(host.errors.text.contains("warning: \(sentence)\n"))
            #expect(host.output.text.contains("warning: \(sentence)\n"))
        }
        let seen = host.machine.executed.map { $0.arguments.last }
        #expect(try #require(seen.firstIndex(of: "pgaf")) < #require(seen.firstIndex(of: "up")))
    }

    @Test func aRunThatRemembersSaysNothing() async throws {
        let host = TestHost(try Self.machine(try Self.found()))
        #expect(try await host.up() == 0)
        let before = host.output.text.count
        #expect(try await host.up() == 0)
        #expect(!host.output.text.dropFirst(before).contains("no memory"))
        #expect(host.machine.executed.count { $0.arguments.contains("status") } == 1)
    }

    @Test(arguments: [error("cluster.not-found"), error("agent.no-root"), CommandResult(status: 1)])
    func aFirstUpSaysNothing(_ answer: CommandResult) async throws {
        let host = TestHost(try Self.machine(answer))
        #expect(try await host.up() == 0)
        #expect(!host.output.text.contains("memory of the cluster") && !host.errors.text.contains("warning"))
    }

    @Test func anEngineThatIsDownDoesNotHideTheCluster() async throws {
        let host = TestHost(try Self.machine(Self.error("docker.unavailable")))
        #expect(try await host.up() == 0)
        #expect(host.errors.text.contains(Self.sentences[0]))
    }

    /// Its own passwords, and only the generated ones, are named; `--fresh` makes all anew, which it has said.
    @Test func onlyWhatIsLostIsNamed() async throws {
        var host = TestHost(try Self.machine(try Self.found()))
        host.environment["PW"] = "own"
        host.configuration.access.clientUser = "app"
        host.configuration.passwords.superuser = .environment("PW")
        #expect(try await host.up() == 0)
        #expect(host.output.text.contains("`up` sets new ones (monitor, replication, client), the"))
        let fresh = TestHost(try Self.machine(try Self.found()))
        #expect(try await fresh.up(Up.Options(fresh: true, yes: true, progress: .plain)) == 0)
        #expect(fresh.output.text.contains(Self.sentences[0]) && !fresh.output.text.contains("Its "))
    }

    /// Otherwise the next `up` would take the new passwords for the old ones and say nothing.
    @Test func passwordsAreKeptOnlyOnceItWasTold() async throws {
        var host = TestHost(try Self.machine(try Self.found()))
        host.environment["PGAF_AGENT"] = "/nowhere/pgaf-agent"
        #expect(try await host.up() != 0)
        #expect(!MachineFiles().exists(host.scratch.project.secrets))
        host.environment["PGAF_AGENT"] = "/bin/sh"
        #expect(try await host.up() == 0)
        #expect(host.output.text.contains(Self.sentences[2]) && MachineFiles().exists(host.scratch.project.secrets))
    }

    @Test func aPlanSaysTheSame() async throws {
        let host = TestHost(try Self.machine(try Self.found()))
        #expect(try await Plan.run(Plan.Options(), in: host.context()) == 0)
        for sentence in Self.sentences { #expect(host.output.text.contains("note: \(sentence)\n")) }
        #expect(!MachineFiles().exists(host.scratch.project.secrets))
    }

    @Test func aHostKeyThatHadToBeLearnedAgainIsShown() async throws {
        let host = TestHost(try Self.machine(try Self.found()))
        let loss = try LostMemory(host.configuration, machine: "the machine", in: host.context())
        let keys = try KnownHostKeys(host.scratch.project)
        #expect(try keys.learned().isEmpty)
        try host.scratch.project.prepare()
        let blob = Data("a key".utf8).base64EncodedString()
        try MachineFiles().write("[127.0.0.1]:2222 ssh-ed25519 \(blob)\n", to: host.scratch.project.knownHosts)
        let learned = try keys.learned()
        #expect(learned.count == 1 && learned[0].hasPrefix("SHA256:"))
        let client = AgentClient(connection: host.machine, invocation: AgentInvocation(needsSudo: false))
        let warnings = try await loss.warnings(client, learned: learned)
        #expect(warnings.last?.contains("The host key of the machine was not known any more") == true)
        #expect(warnings.last?.contains(learned[0]) == true)
        #expect(try KnownHostKeys(host.scratch.project).learned().isEmpty)
    }
}

@Suite struct VagrantKnownHostsTests {
    private let scratch = ScratchDirectory()
    private let files = MachineFiles()
    private var keys: VagrantKnownHosts { VagrantKnownHosts(project: scratch.project, provider: .libvirt) }
    private var directory: String { VagrantProvider.libvirt.dataDirectory(in: scratch.project) }

    /// As Vagrant and a first connection leave it.
    private func begin(id: String = "4f0a9c21-77") throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try files.write(id, to: "\(directory)/id")
        try scratch.project.prepare()
        try files.write("a key\n", to: scratch.project.knownHosts)
        try keys.keep()
    }

    @Test func aRemovedDirectoryDoesNotMakeAnybodyBelieved() throws {
        try begin()
        try files.remove(scratch.project.state)
        try keys.restore()
        #expect(try files.read(scratch.project.knownHosts) == "a key\n")
        #expect(scratch.mode(scratch.project.knownHosts) == 0o600 && scratch.mode(scratch.project.state) == 0o700)
        try files.write("another key\n", to: scratch.project.knownHosts)
        try keys.restore()
        #expect(try files.read(scratch.project.knownHosts) == "another key\n")
    }

    @Test func anotherMachineHasOtherKeys() throws {
        try begin()
        try files.remove(scratch.project.knownHosts)
        try files.write("another-id", to: "\(directory)/id")
        try keys.restore()
        #expect(!files.exists(scratch.project.knownHosts))
        #expect(keys.copy?.hasSuffix("/pgaf_known_hosts.another-id") == true)
    }

    /// `vagrant destroy` and `vagrant up`, typed by hand.
    @Test func theKeyOfAMachineThatVagrantMadeAnewIsForgotten() throws {
        func makeAnew(_ id: String) throws {
            // Vagrant empties its directory with the machine.
            for file in files.list(directory) { try files.remove("\(directory)/\(file)") }
            try files.write(id, to: "\(directory)/id")
            try keys.restore()
        }
        try begin()
        // Nobody has noted yet for which machine it was learned: it stays refused.
        try makeAnew("second")
        #expect(try files.read(scratch.project.knownHosts) == "a key\n")
        try makeAnew("second")
        #expect(try files.read(scratch.project.knownHosts) == "a key\n")
        try makeAnew("third")
        #expect(!files.exists(scratch.project.knownHosts))
        try files.write("another key\n", to: scratch.project.knownHosts)
        try keys.restore()
        #expect(try files.read(scratch.project.knownHosts) == "another key\n")
        try keys.remove()
        #expect(!files.exists(scratch.project.knownMachine))
    }

    @Test func withoutAMachineThereIsNoCopy() throws {
        try begin(id: "../../evil")
        #expect(keys.copy == nil && files.list(directory) == ["id"])
        try files.remove("\(directory)/id")
        #expect(keys.copy == nil)
        try keys.keep()
        try keys.restore()
    }

    @Test func bothGoWithTheMachine() throws {
        try begin()
        try files.remove("\(directory)/id")
        try keys.remove()
        #expect(files.list(directory).isEmpty && !files.exists(scratch.project.knownHosts))
    }
}
