import Foundation
import Shared
import TestSupport
import Testing

extension TestCluster {
    /// What a fault and its repair have to leave as it was.
    struct Before: Sendable {
        /// As pgaf keeps them; nil for a cluster that has none yet.
        var passwords: [String: String]?
        /// Names of the containers that are not the cluster's.
        var containers: Set<String>
    }

    static func before(_ project: PgafProject) async throws -> Before {
        Before(passwords: try? project.passwords(), containers: try await otherContainers(project))
    }

    private static func otherContainers(_ project: PgafProject) async throws -> Set<String> {
        let listing = try await project.command("docker", ["ps", "--all", "--format", "{{.Names}}"])
        #expect(listing.succeeded, "\(listing.standardError)")
        return Set(listing.standardOutput.split(separator: "\n").map(String.init)).subtracting(containers)
    }

    /// Nothing but the cluster itself: containers, volumes, network, rows, files, the machine's lock; its passwords are
    /// the same.
    ///
    /// - Parameter before: what there was before the fault, where that is known.
    static func expectNoLeftovers(
        _ project: PgafProject, since before: Before? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let filter = ["--filter", "label=pgaf.cluster=\(name)"]
        func expect(_ expected: [String], _ arguments: [String], _ format: String) async throws {
            let listing = try await project.command("docker", arguments + filter + ["--format", format])
            let names = listing.standardOutput.split(separator: "\n").map(String.init).sorted()
            #expect(names == expected.sorted(), "docker \(arguments[0])", sourceLocation: sourceLocation)
        }
        try await expect(containers, ["ps", "--all"], "{{.Names}}")
        try await expect(containers.map { "\($0)_data" }, ["volume", "ls"], "{{.Name}}")
        try await expect(["pgaf_test_net"], ["network", "ls"], "{{.Name}}")
        #expect(try await registered(project) == nodes, sourceLocation: sourceLocation)
        let files = try await project.command(
            "find",
            [
                "/var/lib/pgaf", "/run/pgaf", "-name", "*pgaf-new*", "-o", "-name", "build-*", "-o", "-name",
                "base.tar", "-o", "-name", "request.json",
            ])
        #expect(files.standardOutput == "", sourceLocation: sourceLocation)
        if let before {
            let others = try await otherContainers(project).subtracting(before.containers)
            #expect(others == [], "containers besides the cluster's", sourceLocation: sourceLocation)
        }
        if let passwords = before?.passwords {
            // Not compared in the expectation, whose failure would show them.
            let same = try project.passwords() == passwords
            #expect(same, "the passwords are others", sourceLocation: sourceLocation)
        }
        try await expectFreeMachine(sourceLocation)
    }

    /// Nobody holds the machine's lock: whoever has just told the end of its run may be there for another moment.
    private static func expectFreeMachine(_ sourceLocation: SourceLocation) async throws {
        let lock = "/run/pgaf/lock"
        let free = Wait(for: "\(lock) to be free", upTo: .seconds(2), every: .milliseconds(50), hint: "")
        do {
            try await free.until {
                FileLock.isHeld(lock) ? .notYet(FileLock.holder(lock) ?? "") : .found(())
            }
        } catch let error as PgafError {
            Issue.record(error, sourceLocation: sourceLocation)
        }
    }
}
