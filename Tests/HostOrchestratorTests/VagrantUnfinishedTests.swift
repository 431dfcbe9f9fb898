import Foundation
import Shared
import TestSupport
import Testing

@testable import HostOrchestrator

/// A first `vagrant up` that did not end well, with a Vagrant that pretends.
@Suite struct VagrantUnfinishedTests {
    private let scratch = ScratchDirectory()

    private func tools(_ state: String, up: Int32 = 0) -> PretendedTools {
        PretendedTools([
            "vagrant --version": CommandResult(), "VBoxManage --version": CommandResult(),
            "vagrant status": CommandResult(standardOutput: "1,default,state,\(state)\n"),
            "vagrant up": CommandResult(status: up), "vagrant destroy": CommandResult(),
            "vagrant port": CommandResult(),
        ])
    }

    private func machine(_ tools: PretendedTools) -> VagrantMachine {
        var settings = VagrantSettings()
        settings.provider = .virtualbox
        var machine = VagrantMachine(
            settings: settings, ports: [5001], project: scratch.project, logFile: "\(scratch.path)/log", runner: tools,
            boxes: BoxBuilder(runner: tools, environment: ["HOME": "\(scratch.path)/home"], isRoot: false) {
                "/nowhere"
            })
        machine.resources = HostResources(freeDisk: { _ in 64_000 })
        return machine
    }

    private var isMarked: Bool { MachineFiles().exists(scratch.project.unfinishedMachine) }

    @Test func whatWasInterruptedIsMadeAnew() async throws {
        let failing = tools("not_created", up: 1)
        await #expect(throws: PgafError.self) {
            try await machine(failing).bringUp(reporting: ProgressRecord(), rest: nil)
        }
        #expect(isMarked && !failing.seen.contains { $0.hasPrefix("vagrant destroy") })
        // It runs, and nobody knows how far Vagrant came with it.
        let outlook = try await machine(tools("running")).outlook()
        #expect(outlook.state == .missing && outlook.changes.count == 2)
        #expect(outlook.changes.first?.hasPrefix("remove the virtual machine") == true && isMarked)
        let (again, said) = (tools("running"), ProgressRecord())
        #expect(try await machine(again).bringUp(reporting: said, rest: nil))
        let order = again.seen.filter { $0.hasPrefix("vagrant destroy") || $0.hasPrefix("vagrant up") }
        #expect(order.count == 2 && order.first?.hasPrefix("vagrant destroy") == true)
        #expect(said.messages.contains("removing the machine whose making was interrupted; it is made anew"))
        #expect(!isMarked)
    }

    @Test func aMachineThatWasFinishedStays() async throws {
        #expect(try await machine(tools("not_created")).bringUp(reporting: ProgressRecord(), rest: nil))
        #expect(!isMarked)
        let stopped = tools("poweroff")
        #expect(try await machine(stopped).bringUp(reporting: ProgressRecord(), rest: nil))
        #expect(!stopped.seen.contains { $0.hasPrefix("vagrant destroy") } && !isMarked)
        // A start that fails says nothing of a machine that was made before.
        let failing = tools("poweroff", up: 1)
        await #expect(throws: PgafError.self) {
            try await machine(failing).bringUp(reporting: ProgressRecord(), rest: nil)
        }
        #expect(!isMarked)
    }
}
