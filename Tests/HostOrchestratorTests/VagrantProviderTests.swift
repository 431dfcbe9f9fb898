import Foundation
import Shared
import TestSupport
import Testing

@testable import HostOrchestrator

/// Which provider carries the machine, on computers that pretend.
@Suite struct VagrantProviderTests {
    private let scratch = ScratchDirectory()

    private static let vagrant = ["vagrant --version": CommandResult()]
    private static let virtualBox = ["VBoxManage --version": CommandResult()]
    private static let libvirt = [
        "virsh --version": CommandResult(), "qemu-system-x86_64 --version": CommandResult(),
        "vagrant plugin list": CommandResult(standardOutput: "vagrant-libvirt (0.11.2, system)\n"),
    ]

    private func resolve(
        _ wanted: VagrantSettings.Provider, _ tools: [String: CommandResult]...
    ) async throws -> VagrantProvider {
        let all = tools.reduce(into: [:]) { $0.merge($1) { $1 } }
        return try await VagrantProvider.resolve(wanted, project: scratch.project, runner: PretendedTools(all))
    }

    @Test func virtualBoxIsTakenIfItIsThereElseLibvirt() async throws {
        #expect(try await resolve(.auto, Self.vagrant, Self.virtualBox, Self.libvirt) == .virtualbox)
        #expect(try await resolve(.auto, Self.vagrant, Self.virtualBox) == .virtualbox)
        #expect(try await resolve(.auto, Self.vagrant, Self.libvirt) == .libvirt)
        #expect(try await resolve(.libvirt, Self.vagrant, Self.virtualBox, Self.libvirt) == .libvirt)
    }

    /// A VirtualBox that was installed since is no reason for a second machine.
    @Test func theOneThatMadeTheMachineStays() async throws {
        let directory = VagrantProvider.libvirt.dataDirectory(in: scratch.project)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try MachineFiles().write("x", to: "\(directory)/id")
        #expect(try await resolve(.auto, Self.vagrant, Self.virtualBox, Self.libvirt) == .libvirt)
    }

    @Test func withoutVagrantOrAProviderOneIsToldWhatToInstall() async {
        let none = await #expect(throws: PgafError.self) { try await resolve(.auto, Self.virtualBox, Self.libvirt) }
        #expect(none?.code == .vagrantMissing && none?.remedy.contains("apt-get install vagrant") == true)
        let neither = await #expect(throws: PgafError.self) { try await resolve(.auto, Self.vagrant) }
        #expect(neither?.code == .providerMissing && neither?.remedy.contains("vagrant-libvirt") == true)
        let other = await #expect(throws: PgafError.self) { try await resolve(.virtualbox, Self.vagrant, Self.libvirt) }
        #expect(other?.code == .providerMissing && other?.message.contains("VBoxManage") == true)
        // The plugin is a package of its own.
        var half = Self.libvirt
        half["vagrant plugin list"] = CommandResult(standardOutput: "No plugins installed.\n")
        let plugin = await #expect(throws: PgafError.self) { try await resolve(.libvirt, Self.vagrant, half) }
        #expect(plugin?.code == .providerMissing)
    }

    @Test func disksLieWhereTheProviderSays() async {
        let pool = CommandResult(
            standardOutput: "<pool type='dir'>\n  <target>\n    <path>/srv/images</path>\n  </target>\n</pool>\n")
        let properties = CommandResult(
            standardOutput: "API version:  7_0\nDefault machine folder:          /big disk/VMs\n")
        let tools = PretendedTools(["virsh --connect": pool, "VBoxManage list": properties])
        #expect(await VagrantProvider.libvirt.disks(tools) == "/srv/images")
        #expect(await VagrantProvider.virtualbox.disks(tools) == "/big disk/VMs")
        #expect(await VagrantProvider.libvirt.disks(PretendedTools([:])) == "/var/lib/libvirt/images")
    }
}
