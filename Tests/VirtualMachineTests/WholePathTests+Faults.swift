import Foundation
import Shared
import TestSupport
import Testing

/// What happens to the machine while a client of this one writes.
extension WholePathTests {
    /// Lets something happen while a client writes through the forwarded ports; afterwards it writes again, and every
    /// node shows every row that was acknowledged.
    ///
    /// - Parameter deed: ends when the cluster is healthy.
    func whileWritten(_ what: String, _ deed: () async throws -> Void) async throws {
        let writer = try await ContinuousWriter.begin(project, through: try await ports(), pace: .sparing)
        say(what)
        try await writer.during(what) {
            try await deed()
            let before = writer.acknowledged
            try await Wait(for: "a row after \(what)", upTo: .seconds(600), every: .seconds(1), hint: "").until {
                () async throws -> Wait.Observation<Void> in
                if writer.acknowledged > before { return .found(()) }
                // A forward whose machine was started anew ends some time later, and is begun again by this.
                _ = try await ports()
                return .notYet("\(before) rows")
            }
        }
        try await Wait(for: "every row after \(what)", upTo: .seconds(600), every: .seconds(1), hint: "").until {
            let lacking = try await writer.lacking(through: try await ports())
            return lacking.isEmpty ? .found(()) : .notYet(lacking.joined(separator: "; "))
        }
    }

    /// The machine loses its power with a cluster in use: everything comes back without help.
    func aPowerCut() async throws {
        try await whileWritten("a loss of power") {
            _ = try await virsh(["destroy", domain])
            _ = try await virsh(["start", domain])
            _ = try await project.waitUntilHealthy("a loss of power", upTo: .seconds(900))
        }
    }

    func aClockThatJumps() async throws {
        try await whileWritten("a clock that jumps an hour ahead") {
            try await project.host(["ssh", "--", "sudo", "date", "--set", "1 hour"])
            _ = try await project.waitUntilHealthy("a jump of the clock", upTo: .seconds(600))
        }
    }

    /// The machine is put to sleep by Vagrant and wakes with the clock of then.
    func aSleep(_ wake: () async throws -> Void) async throws {
        try await whileWritten("a sleep") {
            try await vagrant("suspend")
            try await expectToBeToldWhatToType()
            try await wake()
            _ = try await project.waitUntilHealthy("a sleep", upTo: .seconds(600))
        }
    }

    /// Another size in pgaf.yaml is a reload of the machine, with the cluster stopped before it and started after it.
    func anotherSize() async throws {
        let file = "\(project.directory)/pgaf.yaml"
        let size = Self.memory + 256
        try String(contentsOfFile: file, encoding: .utf8)
            .replacing("memory: \(Self.memory)", with: "memory: \(size)")
            .write(toFile: file, atomically: true, encoding: .utf8)
        let plan = try await project.host(["plan"], expecting: 2).standardOutput
        let reload = "reload the virtual machine \"\(Self.machine)\": memory \(Self.memory) → \(size) MiB"
        #expect(plan.contains(reload), "\(plan)")
        try await whileWritten("another size of the machine") {
            #expect(PgafProject.changedSteps(try await project.up()).contains("machine"))
            _ = try await project.waitUntilHealthy("a reload with another size", upTo: .seconds(300))
        }
        let has = try await virsh(["dominfo", domain])
        #expect(has.contains(" \(size * 1024) KiB"), "\(has)")
        try await project.host(["plan"])
    }
}
