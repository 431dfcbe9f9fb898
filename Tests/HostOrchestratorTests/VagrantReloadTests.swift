import Foundation
import Shared
import TestSupport
import Testing

@testable import HostOrchestrator

/// A running machine whose settings ask for another size, with a Vagrant that pretends.
@Suite struct VagrantReloadTests {
    private let scratch = ScratchDirectory()

    private func tools(
        _ provider: VagrantProvider, size: String? = nil, reload: CommandResult = CommandResult()
    ) -> PretendedTools {
        var answers = [
            "vagrant --version": CommandResult(), "VBoxManage --version": CommandResult(),
            "virsh --version": CommandResult(), "qemu-system-x86_64 --version": CommandResult(),
            "vagrant plugin list": CommandResult(standardOutput: "vagrant-libvirt (0.11.2, system)\n"),
            "virsh --connect qemu:///system version": CommandResult(),
            "vagrant status": CommandResult(standardOutput: "1,default,state,running\n"),
            "vagrant port": CommandResult(standardOutput: "1,default,forwarded_port,5001,2200\n"),
            "vagrant reload": reload,
        ]
        if let size {
            answers[MachineSize.question(provider, "an-id").display] = CommandResult(standardOutput: size)
        }
        return PretendedTools(answers)
    }

    private func machine(_ tools: PretendedTools, memory: Int = 6144, cpus: Int = 4) -> VagrantMachine {
        var settings = VagrantSettings()
        settings.box = "some/box"
        (settings.memory, settings.cpus) = (memory, cpus)
        return VagrantMachine(
            settings: settings, ports: [5001], project: scratch.project, logFile: "\(scratch.path)/log", runner: tools,
            boxes: BoxBuilder(runner: tools, environment: ["HOME": "\(scratch.path)/home"], isRoot: false) {
                "/nowhere"
            })
    }

    @Test func aVagrantfileOfSomebodyElsesIsNeitherHaltedNorDestroyed() async throws {
        try MachineFiles().write("Vagrant.configure(\"2\") {}\n", to: scratch.project.vagrantfile, mode: 0o644)
        let tools = PretendedTools([:])
        let machine = machine(tools)
        for attempt in [
            { _ = try await machine.destructionSummary() }, { _ = try await machine.halt(reporting: ProgressRecord()) },
            { try await machine.destroy(reporting: ProgressRecord()) },
        ] as [() async throws -> Void] {
            let error = await #expect(throws: PgafError.self) { try await attempt() }
            #expect(error?.code == .vagrantfileForeign)
        }
    }

    @Test(arguments: ["paused", "saved"]) func aSuspendedMachineIsNotTakenForOneThatIsOff(_ state: String) async throws
    {
        try begin()
        let tools = PretendedTools([
            "vagrant --version": CommandResult(), "VBoxManage --version": CommandResult(),
            "vagrant status": CommandResult(standardOutput: "1,default,state,\(state)\n"),
        ])
        let error = await #expect(throws: PgafError.self) { try await machine(tools).halt(reporting: ProgressRecord()) }
        #expect(error?.code == .machineUnreachable && error?.remedy.contains("vagrant resume") == true)
        #expect(!tools.seen.contains { $0.hasPrefix("vagrant halt") })
    }

    /// The machine as an earlier `up` made it, with 6144 MiB and 4 processors.
    private func begin(_ provider: VagrantProvider = .virtualbox, emulated: Bool = false) throws {
        var settings = VagrantSettings()
        settings.box = "some/box"
        let file = Vagrantfile(
            settings: settings, provider: provider, forwards: [.init(guest: 5001, host: 2200)], emulated: emulated)
        try MachineFiles().write(file.text, to: scratch.project.vagrantfile, mode: 0o644)
        let directory = provider.dataDirectory(in: scratch.project)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try MachineFiles().write("an-id", to: "\(directory)/id")
    }

    private func vagrantfile() -> [String: String] {
        VagrantfileDifference.values(scratch.text(scratch.project.vagrantfile))
    }

    private func bringUp(_ machine: VagrantMachine, _ tools: PretendedTools, _ sink: ProgressRecord = ProgressRecord())
        async throws -> Bool
    {
        let scratch = scratch
        return try await machine.bringUp(reporting: sink) {
            let memory = VagrantfileDifference.values(scratch.text(scratch.project.vagrantfile))["memory"] ?? "-"
            tools.tell("the cluster rests, \(memory) MiB are written")
        }
    }

    @Test(arguments: VagrantProvider.allCases)
    func anotherSizeReloadsTheMachineOnceItsClusterRests(_ provider: VagrantProvider) async throws {
        try begin(provider)
        let (tools, sink) = (tools(provider), ProgressRecord())
        #expect(try await bringUp(machine(tools, memory: 8192, cpus: 2), tools, sink))
        let order = tools.seen.filter { $0.hasPrefix("the cluster") || $0.hasPrefix("vagrant reload") }
        #expect(order == ["the cluster rests, 6144 MiB are written", "vagrant reload --no-color"])
        #expect(vagrantfile()["memory"] == "8192" && vagrantfile()["cpus"] == "2")
        #expect(
            sink.messages.contains(
                "reload the virtual machine \"pgAutoFailoverVM-Vagrant\": memory 6144 → 8192 MiB, cpus 4 → 2"))
        #expect(!tools.seen.contains { $0.hasPrefix("vagrant up") })
    }

    /// Another processor for a machine of the other kind of virtualisation would keep it from booting.
    @Test(arguments: [true, false]) func whatIsEmulatedStaysSo(_ emulated: Bool) throws {
        #expect(try machine(tools(.libvirt)).emulatedAsMade() == nil)
        try begin(.libvirt, emulated: emulated)
        #expect(try machine(tools(.libvirt)).emulatedAsMade() == emulated)
    }

    @Test func theSameSizeReloadsNothing() async throws {
        try begin()
        let tools = tools(.virtualbox, size: "memory=6144\ncpus=4\n")
        #expect(try await !bringUp(machine(tools), tools))
        #expect(!tools.seen.contains { $0.hasPrefix("the cluster") || $0.hasPrefix("vagrant reload") })
    }

    /// Killed between the Vagrantfile and the reload: the file says that all is done, the machine that it is not.
    @Test(arguments: [
        (VagrantProvider.libvirt, "State:          running\nCPU(s):         4\nMax memory:     3145728 KiB\n"),
        (.virtualbox, "name=\"a\"\nmemory=3072\ncpus=4\n"),
    ])
    func aReloadThatNeverCameIsMadeUpFor(_ provider: VagrantProvider, _ size: String) async throws {
        try begin(provider)
        let tools = tools(provider, size: size)
        let outlook = try await machine(tools).outlook()
        #expect(
            outlook.changes.last == "reload the virtual machine \"pgAutoFailoverVM-Vagrant\": memory 3072 → 6144 MiB")
        #expect(try await bringUp(machine(tools), tools))
        #expect(tools.seen.contains("vagrant reload --no-color"))
    }

    /// `vagrant reload` typed by hand after the Vagrantfile was written by hand: the machine has what it should have.
    @Test func aMachineThatHasItsSizeIsLeftAlone() async throws {
        try begin()
        let tools = tools(.virtualbox, size: "memory=8192\ncpus=4\n")
        #expect(try await !bringUp(machine(tools, memory: 8192), tools))
        #expect(vagrantfile()["memory"] == "8192")
    }

    @Test func aClusterThatCannotRestKeepsItsMachine() async throws {
        try begin()
        let tools = tools(.virtualbox)
        let error = await #expect(throws: PgafError.self) {
            _ = try await machine(tools, memory: 8192).bringUp(reporting: ProgressRecord()) {
                throw PgafError(.clusterLocked, "m", remedy: "r")
            }
        }
        #expect(error?.code == .clusterLocked && vagrantfile()["memory"] == "6144")
        #expect(!tools.seen.contains { $0.hasPrefix("vagrant reload") })
    }

    @Test func whoDoesNotWantAReloadIsOnlyTold() async throws {
        try begin()
        let (tools, sink) = (tools(.virtualbox), ProgressRecord())
        #expect(try await !machine(tools, memory: 8192).bringUp(reporting: sink, rest: nil))
        #expect(sink.messages.last == "the changed Vagrantfile takes effect with `vagrant reload`")
    }

    @Test func aReloadThatFailsIsVagrantsFailure() async throws {
        try begin()
        let tools = tools(.virtualbox, reload: CommandResult(status: 1))
        let error = await #expect(throws: PgafError.self) {
            _ = try await bringUp(machine(tools, memory: 8192), tools)
        }
        #expect(error?.code == .vagrantFailed)
    }

    @Test func sizesAreReadFromTheProvidersWords() {
        let libvirt = "Id:             1\nCPU(s):         2\nCPU time:       9.1s\nMax memory:     3145728 KiB\n"
        #expect(MachineSize(.libvirt, libvirt) == MachineSize(memory: 3072, cpus: 2))
        #expect(MachineSize(.virtualbox, "memory=4096\nvram=8\ncpus=3\n") == MachineSize(memory: 4096, cpus: 3))
        #expect(MachineSize(.libvirt, "error: failed") == MachineSize(memory: nil, cpus: nil))
        #expect(
            MachineSize.question(.libvirt, "x").display == "virsh --connect qemu:///system dominfo --domain x")
    }
}
