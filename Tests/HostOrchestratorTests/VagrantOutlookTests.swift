import Foundation
import Shared
import TestSupport
import Testing

@testable import HostOrchestrator

/// What a plan says of the virtual machine, with a Vagrant that pretends.
@Suite struct VagrantOutlookTests {
    private let scratch = ScratchDirectory()

    private func tools(_ state: String, libvirt: Bool = true) -> PretendedTools {
        PretendedTools([
            "vagrant --version": CommandResult(), "VBoxManage --version": CommandResult(),
            "virsh --version": CommandResult(), "qemu-system-x86_64 --version": CommandResult(),
            "vagrant plugin list": CommandResult(standardOutput: "vagrant-libvirt (0.11.2, system)\n"),
            "virsh --connect": CommandResult(status: libvirt ? 0 : 1),
            "vagrant status": CommandResult(standardOutput: "1,default,state,\(state)\n"),
            "vagrant port": CommandResult(
                standardOutput: "1,default,forwarded_port,5430,5430\n1,default,forwarded_port,5001,2200\n"),
        ])
    }

    private func machine(
        _ tools: PretendedTools, _ provider: VagrantSettings.Provider = .virtualbox, ports: [Int] = [5430, 5001],
        resources: HostResources = HostResources(), _ change: (inout VagrantSettings) -> Void = { _ in }
    ) -> VagrantMachine {
        var settings = VagrantSettings()
        settings.provider = provider
        settings.box = "some/box"
        change(&settings)
        var machine = VagrantMachine(
            settings: settings, ports: ports, project: scratch.project, logFile: "\(scratch.path)/log", runner: tools,
            boxes: BoxBuilder(runner: tools, environment: ["HOME": "\(scratch.path)/home"], isRoot: false) {
                "/nowhere"
            })
        machine.resources = resources
        return machine
    }

    /// Writes the Vagrantfile as `up` would have.
    private func render(_ forwards: [Vagrantfile.Forward], emulated: Bool = false) throws {
        var settings = VagrantSettings()
        settings.box = "some/box"
        let file = Vagrantfile(settings: settings, provider: .virtualbox, forwards: forwards, emulated: emulated)
        try MachineFiles().write(file.text, to: scratch.project.vagrantfile, mode: 0o644)
    }

    private static let forwards: [Vagrantfile.Forward] = [
        .init(guest: 5430, host: 5430), .init(guest: 5001, host: 2200),
    ]

    /// Without its daemons Vagrant could say nothing of a machine that is there, and `destroy` would leave it.
    @Test func whoeverAsksForTheMachineAwakensLibvirtFirst() async throws {
        try render(Self.forwards)
        let awake = tools("running")
        #expect(try await machine(awake, .libvirt).state() == "running")
        #expect(!awake.seen.contains { $0.contains("virtlogd") || $0.contains("libvirtd") })
        let asleep = tools("running", libvirt: false)
        let error = await #expect(throws: PgafError.self) {
            try await machine(asleep, .libvirt).destructionSummary()
        }
        #expect(error?.message == "libvirt's service could not be started.")
        #expect(
            asleep.seen.last?.contains("libvirtd") == true && !asleep.seen.contains { $0.hasPrefix("vagrant status") })
    }

    @Test(arguments: [
        (".", true), ("..", true), (".pgaf/runs", true), ("none", false), ("web", false), ("/srv/other", false),
    ]) func aSharedFolderWithThePasswordsInItIsTold(_ folder: String, _ isTold: Bool) async throws {
        let told = await machine(tools("running")) { $0.syncedFolder = folder }.warnings()
        #expect(told.count == (isTold ? 1 : 0))
        #expect(told.allSatisfy { $0.contains("`machine.vagrant.synced_folder: none`") })
        #expect(await machine(tools("running"), .libvirt) { $0.syncedFolder = folder }.warnings().isEmpty)
    }

    /// It is not taken over, and can still be looked at and removed.
    @Test func theMachineOfAnotherProviderIsNotBroughtUp() async throws {
        let directory = VagrantProvider.libvirt.dataDirectory(in: scratch.project)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try MachineFiles().write("x", to: "\(directory)/id")
        try render(Self.forwards)
        let tools = tools("running")
        let refused = machine(tools, .virtualbox)
        let planned = await #expect(throws: PgafError.self) { try await refused.outlook() }
        #expect(planned?.code == .configurationConflict && planned?.remedy.contains("`pgaf-host destroy`") == true)
        let begun = await #expect(throws: PgafError.self) {
            try await refused.bringUp(reporting: ProgressRecord(), rest: nil)
        }
        #expect(begun?.code == .configurationConflict && begun?.message.contains("libvirt") == true)
        #expect(tools.seen.isEmpty)
        #expect(try await refused.provider() == .libvirt)
        // What is left of a machine that VirtualBox itself has removed.
        let stale = VagrantProvider.virtualbox.dataDirectory(in: scratch.project)
        try FileManager.default.createDirectory(atPath: stale, withIntermediateDirectories: true)
        try MachineFiles().write("y", to: "\(stale)/id")
        #expect(VagrantProvider.other(than: .libvirt, in: scratch.project) == nil)
        try FileManager.default.removeItem(atPath: stale)
        #expect(try await refused.destructionSummary().first?.hasPrefix("virtual machine") == true)
    }

    @Test func aMachineThatIsNotThere() async throws {
        let tools = tools("running")
        #expect(
            try await machine(tools).outlook()
                == MachineOutlook(
                    .missing,
                    changes: [
                        "make the virtual machine \"pgAutoFailoverVM-Vagrant\" with virtualbox: box some/box, 6144 MiB, 4"
                            + " CPUs, ports 5430, 5001"
                    ]))
        #expect(scratch.everything().isEmpty)
        #expect(!tools.seen.contains { $0.hasPrefix("vagrant up") || $0.hasPrefix("vagrant box") })
    }

    /// Vagrant would copy half of the box first, and fail with an error of its own.
    @Test func aDiskWithoutRoomIsToldBeforeVagrantIsAsked() async throws {
        let tools = tools("not_created")
        let narrow = HostResources(freeDisk: { $0.hasSuffix("/home/.vagrant.d") ? 900 : 64_000 })
        let error = await #expect(throws: PgafError.self) {
            try await machine(tools, resources: narrow).bringUp(reporting: ProgressRecord(), rest: nil)
        }
        #expect(error?.code == .diskFull)
        #expect(error?.message.hasPrefix("Only 900 MiB are free in \(scratch.path)/home/.vagrant.d;") == true)
        #expect(
            !tools.seen.contains { $0.hasPrefix("vagrant up") } && scratch.text(scratch.project.vagrantfile).isEmpty)
        #expect(HostResources().freeDisk("\(scratch.path)/not/there") == HostResources().freeDisk(scratch.path))
    }

    @Test func aRunningMachineInOrder() async throws {
        try render(Self.forwards)
        let before = scratch.everything()
        #expect(try await machine(tools("running")).outlook() == MachineOutlook(.running))
        #expect(scratch.everything() == before)
    }

    @Test func aRunningMachineWithOtherSettings() async throws {
        try render(Self.forwards)
        let before = scratch.everything()
        let outlook = try await machine(tools("running"), ports: [5430, 5001, 5002]) {
            $0.memory = 8192
            $0.cpus = 2
            $0.ip = "none"
        }.outlook()
        #expect(
            outlook
                == MachineOutlook(
                    .running,
                    changes: [
                        "Vagrantfile: cpus 4 → 2", "Vagrantfile: forwarded_ports + 5002 => 5002",
                        "Vagrantfile: ip \"192.168.56.150\" → nil", "Vagrantfile: memory 6144 → 8192",
                        "reload the virtual machine \"pgAutoFailoverVM-Vagrant\": memory 6144 → 8192 MiB, cpus 4 → 2",
                    ],
                    notes: [
                        "for the reload the cluster is stopped in order, and started again after it; what the new size"
                            + " changes in PostgreSQL's settings can be seen only then"
                    ]))
        #expect(scratch.everything() == before)
    }

    @Test func whatNeedsNoOtherMachineIsOnlyWritten() async throws {
        try render(Self.forwards)
        let outlook = try await machine(tools("running")) { $0.ip = "none" }.outlook()
        #expect(
            outlook
                == MachineOutlook(
                    .running, changes: ["Vagrantfile: ip \"192.168.56.150\" → nil"],
                    notes: ["the changed Vagrantfile takes effect with `vagrant reload`"]))
    }

    @Test func aStoppedMachineIsStarted() async throws {
        try render(Self.forwards)
        let outlook = try await machine(tools("poweroff"), ports: [5430]).outlook()
        #expect(
            outlook
                == MachineOutlook(
                    .stopped,
                    changes: [
                        "Vagrantfile: forwarded_ports - 5001 => 2200",
                        "start the virtual machine \"pgAutoFailoverVM-Vagrant\" (now poweroff)",
                    ]))
    }

    @Test func whetherItIsEmulatedStaysAsItWasUntilItIsTried() async throws {
        // The libvirt file differs from VirtualBox's in no value but this one.
        try render([], emulated: true)
        let tools = tools("running")
        #expect(try await machine(tools, .libvirt, ports: []).outlook() == MachineOutlook(.running))
        #expect(!tools.seen.contains { $0.contains("qemu-system-x86_64 -accel") })
    }

    @Test func libvirtThatDoesNotRunIsNotStarted() async throws {
        let tools = tools("running", libvirt: false)
        let outlook = try await machine(tools, .libvirt).outlook()
        #expect(outlook.state == .missing && outlook.changes.first == "start libvirt's services")
        let directory = VagrantProvider.libvirt.dataDirectory(in: scratch.project)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try MachineFiles().write("x", to: "\(directory)/id")
        try render(Self.forwards)
        let made = try await machine(tools, .libvirt).outlook()
        #expect(made.state == .stopped && made.notes.count == 1)
        #expect(made.changes == ["start libvirt's services", "start the virtual machine \"pgAutoFailoverVM-Vagrant\""])
        #expect(!tools.seen.contains { $0.contains("libvirtd") || $0.contains("systemctl") })
    }

    /// Forwarded ports change the address that servers see; on libvirt it is the machine's, known once that is reached.
    @Test func asWhomClientsOfThisHostArrive() async throws {
        #expect(await machine(tools("running")).clientAddress() == IPv4Address("10.0.2.2"))
        let libvirt = machine(tools("running"), .libvirt)
        #expect(await libvirt.clientAddress() == nil)
        let config = try VagrantSSHConfig("Host default\n HostName 192.0.2.7\n User vagrant\n IdentityFile /p/key\n")
        await libvirt.memory.remember(config)
        #expect(await libvirt.clientAddress() == IPv4Address("192.0.2.7"))
    }

    @Test func somebodyElsesVagrantfileIsRefused() async throws {
        try MachineFiles().write("Vagrant.configure\n", to: scratch.project.vagrantfile, mode: 0o644)
        let error = await #expect(throws: PgafError.self) { try await machine(tools("running")).outlook() }
        #expect(error?.code == .vagrantfileForeign)
    }

    @Test func valuesAreReadWithoutTheirComments() {
        var settings = VagrantSettings()
        settings.name = "a # b = \"c\""
        let text = Vagrantfile(settings: settings, provider: .libvirt, forwards: Self.forwards, emulated: true).text
        #expect(
            VagrantfileDifference.values(text) == [
                "box": "\"pgaf/debian-13\"", "name": RubyLiteral.string(settings.name), "memory": "6144", "cpus": "4",
                "ip": "\"192.168.56.150\"", "synced_folder": "\".\"",
                "forwarded_ports": "{5430 => 5430, 5001 => 2200}", "emulated": "true",
            ])
        #expect(VagrantfileDifference.lines(from: text, to: text).isEmpty)
        #expect(
            VagrantfileDifference.lines(from: text, to: text + "# more\n")
                == ["Vagrantfile: write it in this release's form"])
    }
}
