import Foundation
import Shared

extension VagrantMachine {
    /// Starts no daemon, boots nothing to try out the processor, and leaves the Vagrantfile as it is.
    public func outlook() async throws -> MachineOutlook {
        try refuseForeignVagrantfile()
        try VagrantProvider.check(settings.provider, in: project)
        let provider = try await provider()
        if provider == .libvirt, try await !Libvirt(runner: runner).answers() {
            let made = VagrantProvider.existing(in: project) != nil
            return MachineOutlook(
                made ? .stopped : .missing,
                changes: ["start libvirt's services"] + (made ? [start] : try await making(provider)),
                notes: made ? ["without libvirt's services nobody can tell whether the virtual machine runs"] : [])
        }
        let state = try await state()
        if state != "not_created", isUnfinished {
            return MachineOutlook(
                .missing,
                changes: ["remove the virtual machine \"\(settings.name)\" whose making was interrupted"]
                    + (try await making(provider)))
        }
        if state == "not_created" { return MachineOutlook(.missing, changes: try await making(provider)) }
        let running = state == "running"
        if running {
            let sizes = try await resizing(provider)
            let rendered = try await rewriting(provider, sizes.isEmpty ? .running : .reloading)
            if !sizes.isEmpty {
                return MachineOutlook(
                    .running, changes: rendered + [reloading(sizes)],
                    notes: [
                        "for the reload the cluster is stopped in order, and started again after it; what the new size"
                            + " changes in PostgreSQL's settings can be seen only then"
                    ])
            }
            return MachineOutlook(
                .running, changes: rendered,
                notes: rendered.isEmpty ? [] : ["the changed Vagrantfile takes effect with `vagrant reload`"])
        }
        let rendered = try await rewriting(provider, .starting)
        return MachineOutlook(.stopped, changes: rendered + ["\(start) (now \(state))"])
    }

    private var start: String { "start the virtual machine \"\(settings.name)\"" }

    /// What makes a machine that is not there.
    private func making(_ provider: VagrantProvider) async throws -> [String] {
        let box = provider == .libvirt && settings.box == nil ? try await boxes.outlook() : nil
        let ports = ports.map(String.init).joined(separator: ", ")
        return (box.map { [$0] } ?? []) + [
            "make the virtual machine \"\(settings.name)\" with \(provider.rawValue): box"
                + " \(settings.box ?? provider.defaultBox), \(settings.memory) MiB, \(settings.cpus) CPUs, ports \(ports)"
        ]
    }

    /// Differences of the Vagrantfile, a line each.
    private func rewriting(_ provider: VagrantProvider, _ course: Course) async throws -> [String] {
        let found = try MachineFiles().read(project.vagrantfile)
        // What has not been tried out since the boot is taken to be as it was.
        let usable = LibvirtAcceleration(runner: runner, memoryFile: boxes.accelerationMemory).known
        let emulated =
            try emulatedAsMade() ?? usable.map { !$0 }
            ?? (VagrantfileDifference.values(found ?? "")["emulated"] == "true")
        let wanted = Vagrantfile(
            settings: settings, provider: provider, forwards: try await forwards(provider, course),
            emulated: provider == .libvirt && emulated)
        return VagrantfileDifference.lines(from: found ?? "", to: wanted.text)
    }
}
