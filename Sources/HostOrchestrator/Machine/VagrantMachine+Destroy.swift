import Foundation
import Shared

extension VagrantMachine {
    public func destructionSummary() async throws -> [String] {
        try refuseForeignVagrantfile()
        var lines: [String] = []
        let state = try await state()
        if state != "not_created" {
            lines.append("virtual machine \"\(settings.name)\" with everything in it (now \(state))")
        }
        if isOurs { lines.append(project.vagrantfile) }
        if FileManager.default.fileExists(atPath: project.knownHosts) { lines.append(project.knownHosts) }
        return lines
    }

    public func halt(reporting progress: any ProgressSink) async throws -> Bool {
        try refuseForeignVagrantfile()
        let state = try await state()
        if ["paused", "saved", "suspended"].contains(state) {
            throw PgafError(
                .machineUnreachable, "The virtual machine \"\(settings.name)\" is suspended (\(state)).",
                remedy: "Wake it with `vagrant resume`, then run `pgaf-host stop` again.")
        }
        guard state == "running" else { return false }
        let reporter = VagrantReporter(progress, logFile: logFile)
        try await change(VagrantCommand.halt(in: project.path), try await provider(), reporter)
        return true
    }

    public func destroy(reporting progress: any ProgressSink) async throws {
        try refuseForeignVagrantfile()
        let reporter = VagrantReporter(progress, logFile: logFile)
        if FileManager.default.fileExists(atPath: project.vagrantfile) {
            let provider = try await provider()
            let keys = VagrantKnownHosts(project: project, provider: provider)
            try await awakenProvider { await reporter.say($0) }
            try await change(VagrantCommand.destroy(in: project.path), provider, reporter)
            try keys.remove()
        }
        // A new machine has new host keys: the old ones would only look like an attack.
        try MachineFiles().remove(project.knownHosts)
        try MachineFiles().remove(project.unfinishedMachine)
        if isOurs { try MachineFiles().remove(project.vagrantfile) }
    }

    private var isOurs: Bool {
        ((try? MachineFiles().read(project.vagrantfile)) ?? nil)?.hasPrefix(Vagrantfile.header) ?? false
    }
}
