import Foundation
import Shared

/// The programs that can carry the virtual machine.
enum VagrantProvider: String, Sendable, CaseIterable {
    case virtualbox, libvirt

    /// The box for `machine.vagrant.box` left out.
    var defaultBox: String {
        switch self {
        case .virtualbox: "bento/debian-13"
        case .libvirt: Box.name
        }
    }

    /// The provider that made the machine in this directory, if one did: Vagrant keeps its id by provider.
    static func existing(in project: ProjectDirectory) -> VagrantProvider? {
        allCases.first { FileManager.default.fileExists(atPath: $0.identifier(in: project)) }
    }

    /// The provider that made the machine in this directory, where another one is configured.
    ///
    /// A machine whose making was interrupted does not count: it is made anew, with whichever.
    static func other(than wanted: VagrantSettings.Provider, in project: ProjectDirectory) -> VagrantProvider? {
        guard let wanted = VagrantProvider(rawValue: wanted.rawValue),
            !MachineFiles().exists(project.unfinishedMachine), !MachineFiles().exists(wanted.identifier(in: project))
        else { return nil }
        return existing(in: project)
    }

    /// Refuses to bring up the machine of one provider as that of another.
    ///
    /// - Throws: `configuration.conflict`.
    static func check(_ wanted: VagrantSettings.Provider, in project: ProjectDirectory) throws {
        guard let made = other(than: wanted, in: project) else { return }
        throw PgafError(
            .configurationConflict,
            "The virtual machine of this directory was made with \(made.rawValue), but machine.vagrant.provider is"
                + " \(wanted.rawValue).",
            remedy: "Set it back to \(made.rawValue) or `auto`, or `pgaf-host destroy` the machine with its cluster"
                + " first.")
    }

    /// Vagrant's file that says which machine of the provider it is.
    private func identifier(in project: ProjectDirectory) -> String { dataDirectory(in: project) + "/id" }

    /// Vagrant's own directory for the machine.
    func dataDirectory(in project: ProjectDirectory) -> String {
        "\(project.path)/.vagrant/machines/default/\(rawValue)"
    }

    /// Where the disks of machines lie unless somebody has moved them.
    var usualDisks: String { self == .libvirt ? "/var/lib/libvirt/images" : "\(NSHomeDirectory())/VirtualBox VMs" }

    /// Where the disks of machines lie, by the provider's own word.
    func disks(_ runner: any CommandRunner) async -> String {
        let question =
            self == .libvirt
            ? Command("virsh", ["--connect", "qemu:///system", "pool-dumpxml", "default"])
            : Command("VBoxManage", ["list", "systemproperties"])
        // Before the first machine there is no pool.
        guard let answer = try? await runner.run(question), answer.succeeded else { return usualDisks }
        return Self.disks(in: answer.standardOutput) ?? usualDisks
    }

    /// The directory in libvirt's description of a pool, or among VirtualBox's properties.
    static func disks(in text: String) -> String? {
        for line in text.split(whereSeparator: \.isNewline).map(\.trimmed) {
            for (before, after) in [("<path>", "</path>"), ("Default machine folder:", "")]
            where line.hasPrefix(before) && line.hasSuffix(after) {
                return line.dropFirst(before.count).dropLast(after.count).trimmed
            }
        }
        return nil
    }

    /// The provider to use: the one that made the machine, the configured one, or what this machine has.
    ///
    /// - Throws: `vagrant.missing`, `vagrant.provider-missing`.
    static func resolve(
        _ wanted: VagrantSettings.Provider, project: ProjectDirectory, runner: any CommandRunner
    ) async throws -> VagrantProvider {
        guard await answers(Command("vagrant", ["--version"]), runner) else {
            throw PgafError(
                .vagrantMissing, "Vagrant is not installed on this machine.",
                remedy: "Debian: sudo apt-get install vagrant vagrant-libvirt libvirt-daemon-system qemu-system-x86 "
                    + "qemu-utils dnsmasq-base; macOS: brew install --cask vagrant virtualbox")
        }
        switch wanted {
        case .auto:
            if let made = existing(in: project) { return made }
            if await hasVirtualBox(runner) { return .virtualbox }
            if await hasLibvirt(runner) { return .libvirt }
            throw missing("Neither VirtualBox nor libvirt with its Vagrant plugin is installed on this machine.")
        case .virtualbox:
            guard await hasVirtualBox(runner) else {
                throw missing("VirtualBox does not answer (VBoxManage --version).")
            }
            return .virtualbox
        case .libvirt:
            guard await hasLibvirt(runner) else {
                throw missing("libvirt, QEMU or the Vagrant plugin vagrant-libvirt is missing on this machine.")
            }
            return .libvirt
        }
    }

    private static func hasVirtualBox(_ runner: any CommandRunner) async -> Bool {
        await answers(Command("VBoxManage", ["--version"]), runner)
    }

    private static func hasLibvirt(_ runner: any CommandRunner) async -> Bool {
        guard await answers(Command("virsh", ["--version"]), runner),
            await answers(Command("qemu-system-x86_64", ["--version"]), runner),
            let plugins = try? await runner.run(Command("vagrant", ["plugin", "list"], deadline: .seconds(120)))
        else { return false }
        return plugins.standardOutput.split(whereSeparator: \.isNewline).contains { $0.hasPrefix("vagrant-libvirt ") }
    }

    private static func answers(_ command: Command, _ runner: any CommandRunner) async -> Bool {
        (try? await runner.run(command))?.succeeded ?? false
    }

    private static func missing(_ message: String) -> PgafError {
        PgafError(
            .providerMissing, message,
            remedy: "Debian: sudo apt-get install vagrant-libvirt libvirt-daemon-system qemu-system-x86 qemu-utils "
                + "dnsmasq-base; macOS: brew install --cask virtualbox; or set machine.kind to ssh or local.")
    }
}
