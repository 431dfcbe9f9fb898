import Shared
import TestSupport
import Testing

@testable import HostOrchestrator

/// A virtual machine that does not run, asked for by a verb that needs one; with a Vagrant that pretends.
@Suite struct VagrantAbsenceTests {
    private let scratch = ScratchDirectory()

    /// - Parameter state: Vagrant's word; nil where no Vagrantfile is.
    private func refusal(_ state: String?) async throws -> PgafError? {
        var settings = VagrantSettings()
        settings.provider = .virtualbox
        if state != nil { try MachineFiles().write(Vagrantfile.header, to: scratch.project.vagrantfile) }
        let tools = PretendedTools([
            "vagrant --version": CommandResult(), "VBoxManage --version": CommandResult(),
            "vagrant status": CommandResult(standardOutput: "1,default,state,\(state ?? "")\n"),
            "vagrant ssh-config": CommandResult(status: 1, standardError: "The machine is not ready for SSH."),
        ])
        let machine = VagrantMachine(
            settings: settings, ports: [5001], project: scratch.project, logFile: "\(scratch.path)/log", runner: tools,
            boxes: BoxBuilder(runner: tools, environment: ["HOME": "\(scratch.path)/home"], isRoot: false) {
                "/nowhere"
            })
        return await #expect(throws: PgafError.self) { try await machine.sshConfig() }
    }

    @Test func oneThatSleepsOrIsOffIsStarted() async throws {
        for state in ["saved", "poweroff"] {
            let error = try await refusal(state)
            #expect(error?.code == .machineNotMade && error?.message.hasSuffix("does not run (\(state)).") == true)
            #expect(error?.remedy == "Start it and its cluster with `pgaf-host start`.")
            #expect(error?.output == ["The machine is not ready for SSH."])
        }
    }

    @Test func oneThatIsNotThereIsMade() async throws {
        for state in [nil, "not_created"] {
            let error = try await refusal(state)
            #expect(error?.code == .machineNotMade && error?.message.contains("no virtual machine") == true)
            #expect(error?.remedy.contains("`pgaf-host up`") == true)
        }
    }
}
