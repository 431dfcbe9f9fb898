import Foundation
import Shared
import TestSupport
import Testing

/// Vagrant's commands as the scripts' manual has one type them, in the project's directory.
extension WholePathTests {
    @discardableResult
    func vagrant(_ words: String...) async throws -> String {
        say("vagrant \(words.joined(separator: " "))")
        let result = try await project.command("vagrant", words, directory: project.directory)
        #expect(result.succeeded, "vagrant \(words): \(result.lastLines())")
        return result.standardOutput
    }

    /// What `vagrant provision` and `vagrant reload --provision` say.
    private static let noProvisioners = "There are no provisioners: `pgaf-host up` does their work"

    /// The first says what does its work, and that finds nothing to change; the machine's own steps included.
    func aProvisionAndASecondUp() async throws {
        #expect(try await vagrant("provision").contains(Self.noProvisioners))
        say("a second up")
        #expect(PgafProject.changedSteps(try await project.up()).isEmpty)
    }

    /// A reboot, which also sets the machine's clock right.
    func aReloadWithProvision() async throws {
        try await whileWritten("vagrant reload --provision") {
            #expect(try await vagrant("reload", "--provision").contains(Self.noProvisioners))
            _ = try await project.waitUntilHealthy("a reload", upTo: .seconds(900))
        }
    }

    /// `vagrant resume` of a halted machine is nothing that Vagrant does: it says what does it.
    func aHaltAndAnUp() async throws {
        try await whileWritten("vagrant halt and vagrant up") {
            try await vagrant("halt")
            try await expectToBeToldWhatToType()
            let resumed = try await vagrant("resume")
            #expect(resumed.contains("`vagrant up` or `pgaf-host start` starts a halted one"), "\(resumed)")
            #expect(try await vagrant("up").contains("`pgaf-host up` makes its cluster, or goes on with the one in it"))
            _ = try await project.waitUntilHealthy("vagrant up", upTo: .seconds(900))
        }
    }

    /// Whoever asks for a machine that is off or sleeps.
    func expectToBeToldWhatToType() async throws {
        let status = try await project.host(["status"], expecting: 69)
        #expect(status.standardError.contains("pgaf-host start"), "\(status.standardError)")
    }

    /// Whoever asks for it is told that there is none; passwords and host keys are left for `pgaf-host destroy`.
    func aMachineThatVagrantDestroys() async throws {
        try await vagrant("destroy", "-f")
        try await expectNoMachine()
    }
}
