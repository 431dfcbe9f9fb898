import Foundation
import Shared
import TestSupport
import Testing

/// Runs of `up` in which a disk runs full, and what is expected of each step then.
final class FillingDisk {
    /// What a step of the tests' cluster writes on a disk.
    enum Writing {
        /// What finds no room on a full disk: the step fails.
        case much
        /// Mostly into what is there already, a page of a table or of a log: the step ends well, or fails for want of room.
        case little
        /// Nothing; where its work is, or why there is none.
        case nothing(String)
        /// Something, but not in this test; why.
        case untried(String)
        /// The same as another step; one of them has its turn for both.
        case likewise(String)
    }

    /// Docker's own disk: images, containers, volumes.
    static let dockers: [String: Writing] = [
        "preflight": .nothing("remembers the cluster on the machine's disk; looks how much room there is"),
        "repositories": .nothing("apt's own files are on the machine's disk"),
        "docker": .little,
        "psql-client": .nothing("a package on the machine's disk"),
        "base-image": .much, "image": .much,
        // No more than the layer of a container that is gone at once.
        "certificates": .little,
        "network": .little, "monitor": .much,
        "registration": .little,
        "node.pgaf-test-1": .much, "node.pgaf-test-2": .much,
        // Begun beside the other one, so that neither has a run of its own.
        "node.pgaf-test-3": .likewise("node.pgaf-test-2"),
        "departures": .little,
        // The database is made on the primary, whichever node that is.
        "access.pgaf-test-1": .much,
        "access.pgaf-test-2": .likewise("access.pgaf-test-1"), "access.pgaf-test-3": .likewise("access.pgaf-test-1"),
        "restarts": .little, "failover-settings": .little, "verify": .little, "volumes": .little,
    ]

    /// The machine's, where pgaf keeps what it remembers and what containers get as files.
    static let machines: [String: Writing] = [
        "preflight": .much,
        "repositories": .nothing("the tests' packages are Debian's own, for which apt needs no further file"),
        "docker": .nothing("the engine is installed; its start writes on Docker's disk"),
        "psql-client": .nothing("it is installed"),
        "base-image": .untried("there is one; another would be fetched whole before its archive is written"),
        "image": .much, "certificates": .much,
        "network": .nothing("Docker's disk"),
        "monitor": .much,
        "registration": .nothing("rows of the monitor and files in volumes, on Docker's disk"),
        "node.pgaf-test-1": .much,
        "node.pgaf-test-2": .likewise("node.pgaf-test-1"), "node.pgaf-test-3": .likewise("node.pgaf-test-1"),
        "departures": .nothing("rows of the monitor, containers: Docker's disk"),
        "access.pgaf-test-1": .much,
        "access.pgaf-test-2": .likewise("access.pgaf-test-1"), "access.pgaf-test-3": .likewise("access.pgaf-test-1"),
        "restarts": .nothing("PostgreSQL's own files, on Docker's disk"),
        // A slow machine's monitor has its lasting settings from the start.
        "failover-settings": .little,
        "verify": .much,
        "volumes": .nothing("Docker's disk"),
    ]

    private let disk: SmallDisk
    private let cluster: PgafProject
    private let steps: [String: Writing]
    private var reached: Set<String> = []

    init(_ disk: SmallDisk, _ cluster: PgafProject, expecting steps: [String: Writing]) {
        self.disk = disk
        self.cluster = cluster
        self.steps = steps
    }

    /// One run, whose disk is full when a step begins, and has room again after the run.
    ///
    /// - Parameters:
    ///   - first: the step at whose start the disk runs full; nil for a disk that is full before the run.
    ///   - room: MiB that are free until then, at least as many as the preflight wants.
    func run(fullIn step: String, from first: String?, leaving room: Int = 1000, _ more: [String] = []) async throws {
        try await disk.shrink(leaving: room)
        let before = MachineRuns.latest
        let status: Int32
        var full = ContinuousClock.now
        if let first {
            let isStart: @Sendable (Event) -> Bool = { $0.body == .stepStarted(step: first) }
            status = try await cluster.up(more, interruptedAt: step, isStart) { run in
                try await disk.fill(during: run)
                full = .now
            }.status
        } else {
            status = try await cluster.host(["up", "--progress", "none"] + more, expecting: nil).status
        }
        let run = try #require(MachineRuns.latest.flatMap { $0 == before ? nil : $0 }, "\(step): no run was begun")
        let took = ContinuousClock.now - full
        try await disk.makeRoom()
        judge(step, run, status)
        print("\(step): the run ended \(took.brief) after the disk was full")
        #expect(took < .seconds(60), "\(step): a full disk is told after \(took.brief)")
    }

    func run(fullIn step: String, leaving room: Int = 1000, _ more: [String] = []) async throws {
        try await run(fullIn: step, from: step, leaving: room, more)
    }

    private func judge(_ step: String, _ run: String, _ status: Int32) {
        let events = MachineRuns.events(of: run)
        let error = MachineRuns.result(of: run)?.error
        print("\(disk.directory) was full in \(step): \(error?.message ?? "nothing failed")")
        var planned: [String] = []
        var failed: Set<String> = []
        for event in events {
            switch event.body {
            case .plan(let steps): planned = steps.map(\.id)
            case .stepFailed(let step, _, _): failed.insert(step)
            default: break
            }
        }
        #expect(planned.allSatisfy { steps[$0] != nil }, "nobody knows what they write: \(planned)")
        var kind = step
        if case .likewise(let other) = steps[step] { kind = other }
        reached.insert(kind)
        switch steps[kind] {
        case .much: #expect(failed.contains(step), "\(step) did not fail; \(failed) did")
        case .little: #expect(error != nil || status == 0, "\(step): status \(status)")
        default: Issue.record("\(step) writes nothing on \(disk.directory)")
        }
        guard let error else { return }
        #expect(status != 0 && error.code == .diskFull, "\(step): \(error)")
        let words = "\(error.message) \(error.remedy)"
        #expect(words.contains(disk.directory) || words.contains("disk that holds Docker's data"), "\(words)")
    }

    /// Every step that writes on this disk had its turn.
    func expectAllReached() {
        for (step, writing) in steps {
            switch writing {
            case .much, .little: #expect(reached.contains(step), "\(step) had no turn")
            default: break
            }
        }
    }
}
