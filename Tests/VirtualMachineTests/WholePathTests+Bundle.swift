import Foundation
import Shared
import TestSupport
import Testing

/// A machine whose host has neither its box nor what a box is made from.
extension WholePathTests {
    func aMachineFromABundle() async throws {
        let home = "\(project.directory)/elsewhere"
        let elsewhere = ["VAGRANT_HOME": "\(home)/vagrant", "XDG_CACHE_HOME": "\(home)/cache"]
        say("packing a bundle")
        let made = try await project.host(["bundle", "create", "--output", "machine.tar", "--progress", "none"])
        #expect(
            made.standardOutput.contains("it has the box for virtual machines on libvirt"), "\(made.standardOutput)")
        do {
            say("up from the bundle")
            let up = try await project.host(
                ["up", "--bundle", "machine.tar", "--progress", "json"], environment: elsewhere)
            let changed = PgafProject.changedSteps(try PgafProject.events(up.standardOutput))
            let brought = ["repositories", "docker", "psql-client", "base-image", "image"]
            #expect(Set(changed).isDisjoint(with: brought), "the bundle has what \(changed) made")
            let boxes = try await project.command("vagrant", ["box", "list"], environment: elsewhere)
            #expect(boxes.standardOutput.contains("libvirt"), "\(boxes.standardOutput)\(boxes.standardError)")
            #expect(!FileManager.default.fileExists(atPath: "\(home)/cache/pgaf/boxes"), "a box was made")
            try await theMachineAndItsCluster()
        } catch {
            _ = try await project.host(["destroy", "--yes"], environment: elsewhere, expecting: nil)
            throw error
        }
        say("destroying the machine")
        try await project.host(["destroy", "--yes"], environment: elsewhere)
        let volumes = try await virsh(["list", "--all", "--name"])
        #expect(!volumes.contains(Self.machine))
    }
}
