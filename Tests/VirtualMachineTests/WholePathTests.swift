import Foundation
import Shared
import TestSupport
import Testing

extension Tag {
    /// Needs vagrant, libvirt and QEMU, and takes many minutes where the machine is emulated.
    @Tag static var virtualMachine: Self
}

/// The whole path on real things: `pgaf-host up` makes a virtual machine with `vagrant up` and a cluster in it, clients
/// of this machine use it, it comes back whatever breaks, and everything goes.
///
/// One test, since the machine is made once and each chapter needs the one before; and a shorter one, which `make test`
/// runs, since all chapters (`make vm`) take far longer where the machine is emulated; and one for a machine made from a
/// bundle (`make vm`). They are in files of their own:
///
/// - `+Runs`: the first `up`, which breaks off
/// - `+Clients`: the machine, its cluster, and who uses it; `+Access`: who does not
/// - `+Manual`: what the scripts' manual has one type in the machine; `+Vagrant`: what beside it
/// - `+Faults`: what breaks while somebody writes
/// - `+Bundle`: a host that has nothing but a bundle
@Suite(.serialized, .tags(.virtualMachine)) struct WholePathTests {
    static let machine = "pgaf-vm-tests"
    static let nodes = ["pgnode1", "pgnode2", "pgnode3"]
    /// MiB.
    static let memory = 3072
    static let poolerPort = 18432
    let project: PgafProject
    /// Somebody else's: the third node's port has to move out of its way.
    let taken = ListeningPort()
    let configured: [Int]
    /// In every row of the table `notes`.
    let value = RunIdentifier.new()

    init() throws {
        // Ports of its own, so that forwarding does not depend on what else runs here.
        configured = [18001, 18002, taken.number]
        let nodes = zip(Self.nodes, configured).map { "  - {name: \($0), port: \($1)}" }.joined(separator: "\n")
        project = try PgafProject(
            directory: "\(NSTemporaryDirectory())/\(Self.machine)",
            yaml: """
                machine:
                  vagrant: {provider: libvirt, name: \(Self.machine), memory: \(Self.memory), cpus: 2}
                packages: {source: debian}
                monitor: {port: 18430}
                pooler: {port: \(Self.poolerPort)}
                nodes:
                \(nodes)

                """)
    }

    /// `make vm` asks for all chapters.
    private static let wantsAll = wants("all")

    private static func wants(_ chapters: String) -> Bool {
        ProcessInfo.processInfo.environment["PGAF_VM"] == chapters
    }

    @Test(.disabled(if: wantsAll || wants("bundle"), "the other one has its chapters too"))
    func aMachineAClusterAndItsClients() async throws {
        try await tell {
            try await anUpThatLosesItsLinkAndThenItsHost()
            try await theMachineAndItsCluster()
            try await clientsOfThisMachine()
            try await whoGetsInFromThisMachine()
            try await aClientInTheMachine()
            try await aProvisionAndASecondUp()
            try await whatTheScriptsManualHasOneType()
            try await aPowerCut()
            try await aSleep { try await vagrant("resume") }
            try await theFirstRows()
        }
    }

    @Test(.enabled(if: wantsAll, "in `make vm`")) func aMachineAClusterAClientARebootAndTheEnd() async throws {
        try await tell {
            try await anUpThatLosesItsLinkAndThenItsMachine()
            try await anUpWhoseHostIsKilled()
            try await theMachineAndItsCluster()
            try await clientsOfThisMachine()
            try await whoGetsInFromThisMachine()
            try await aClientInTheMachine()
            try await whoeverListensOnThePoolersPort()
            try await aProvisionAndASecondUp()
            try await whatTheScriptsManualHasOneType()
            try await aClockThatJumps()
            try await aReloadWithProvision()
            try await aHaltAndAnUp()
            try await aPowerCut()
            try await aSleep { try await vagrant("resume") }
            try await aSleep { try await project.host(["start", "--progress", "none"]) }
            try await anotherSize()
            try await theFirstRows()
            try await aMachineThatVagrantDestroys()
        }
    }

    @Test(.enabled(if: wantsAll || wants("bundle"), "in `make vm`, or alone with PGAF_VM=bundle"))
    func aMachineThatComesFromABundle() async throws {
        try await tell { try await aMachineFromABundle() }
    }

    private func tell(_ chapters: () async throws -> Void) async throws {
        // What a killed run left behind.
        _ = try await project.host(["destroy", "--yes"], expecting: nil)
        do {
            try await chapters()
        } catch {
            _ = try await project.host(["destroy", "--yes"], expecting: nil)
            throw error
        }
        try await theEnd()
    }

    private func theEnd() async throws {
        say("destroying the machine")
        try await project.host(["destroy", "--yes"])
        try await expectNoMachine()
        let domains = try await virsh(["list", "--all", "--name"])
        #expect(!domains.contains(Self.machine))
        #expect(!FileManager.default.fileExists(atPath: "\(project.directory)/Vagrantfile"))
        try FileManager.default.removeItem(atPath: project.directory)
    }

    func expectNoMachine() async throws {
        let status = try await project.host(["status"], expecting: 69)
        #expect(status.standardError.contains("machine.not-made"), "\(status.standardError)")
    }

    /// libvirt's name of the machine.
    var domain: String { "\(Self.machine)_default" }

    func virsh(_ arguments: [String]) async throws -> String {
        try await project.runner.checked(
            Command("virsh", ["--connect", "qemu:///system", "--quiet"] + arguments), remedy: ""
        ).standardOutput
    }

    func say(_ text: String) { print("\(Timestamp.now()) \(text)") }
}
