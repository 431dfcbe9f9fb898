import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// Docker's disk runs full in each step that needs room; there is a clear error, and once there is room again, the
    /// next `up` converges.
    ///
    /// The engine runs on a small file system in memory meanwhile; its own data is not touched.
    @Suite(.serialized) struct DiskFullTests {
        private let cluster: PgafProject
        private let engine = TestEngine()
        private let disk = "/tmp/pgaf-small-disk"
        private let size = "5g"
        private let images = ["pgaf/base:trixie", "pgaf/pg_auto_failover:latest"]

        init() throws { cluster = try TestCluster.local() }

        @Test func aDiskThatRunsFullInAnyStep() async throws {
            _ = try await cluster.up()
            _ = try await cluster.host(["destroy", "--yes"])
            let archives = images.indices.map { "/tmp/pgaf-small-disk-\($0).tar" }
            for (image, archive) in zip(images, archives) {
                try await checked("docker", ["save", "--output", archive, image])
            }
            try await engine.stop()
            try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
            try await checked("mount", ["-t", "tmpfs", "-o", "size=\(size)", "tmpfs", disk])
            do {
                try await engine.start(dataDirectory: "\(disk)/docker")
                try await everyStep(archives)
            } catch {
                Issue.record(error)
            }
            _ = try await cluster.host(["destroy", "--yes"], expecting: nil)
            try await engine.stop()
            try await checked("umount", ["--recursive", disk])
            for path in archives + [disk] { try FileManager.default.removeItem(atPath: path) }
            try await engine.start()
        }

        private func everyStep(_ archives: [String]) async throws {
            try await runFull(in: "base-image", leaving: 3200)
            try await checked("docker", ["load", "--input", archives[0]])
            try await runFull(in: "image", leaving: 3200)
            try await checked("docker", ["load", "--input", archives[1]])
            for step in ["network", "monitor", "node.pgaf-test-1", "node.pgaf-test-2"] { try await runFull(in: step) }
            try await converge()
            // A step that has something to do in a cluster that is there, and is done in a moment.
            let password = try #require(try cluster.passwords()["superuser"])
            let drop = try await cluster.sql(
                "DROP DATABASE myappdb", database: "postgres", ports: TestCluster.ports, password: password,
                attributes: "read-write")
            #expect(drop.succeeded, "\(drop.standardError)")
            try await runFull(in: "access.pgaf-test-1", from: "preflight")
            try await converge()
        }

        /// - Parameters:
        ///   - first: the step at whose start the disk runs full.
        ///   - room: MiB that are free until then, as many as the preflight wants.
        private func runFull(in step: String, from first: String? = nil, leaving room: Int = 600) async throws {
            let moment: @Sendable (Event) -> Bool = { $0.body == .stepStarted(step: first ?? step) }
            try await resize(leaving: room)
            let (run, status) = try await cluster.up(interruptedAt: step, moment) { run in
                // The work stands still until the disk is full: some steps are done in less time than that takes.
                let process = MachineRuns.owner(of: run)
                if let process { kill(process, SIGSTOP) }
                try await resize(leaving: 0)
                if let process { kill(process, SIGCONT) }
            }
            let error = MachineRuns.result(of: run)?.error
            print("the disk was full in \(step): \(error?.message ?? "nothing failed")")
            #expect(status != 0 && error?.code == .diskFull, "\(step): \(String(describing: error))")
            #expect(error?.message.contains(disk) == true || error?.remedy.contains("docker system df") == true)
            try await checked("mount", ["-o", "remount,size=\(size)", disk])
        }

        /// Makes the disk as small as it must be for so many free MiB.
        private func resize(leaving room: Int) async throws {
            try await Wait(
                for: "\(disk) to have \(room) MiB left", upTo: .seconds(60), every: .milliseconds(20), hint: ""
            ).until {
                let answer = try await cluster.command("df", ["--output=used", "--block-size=1K", disk])
                let used = try #require(Int(answer.standardOutput.split(separator: "\n").last?.trimmed ?? ""))
                // Refused when somebody has written in between.
                let shrunk = try await cluster.command(
                    "mount", ["-o", "remount,size=\(used + room << 10)k", disk])
                return shrunk.succeeded ? .found(()) : .notYet(shrunk.standardError)
            }
        }

        private func converge() async throws {
            _ = try await cluster.up()
            let state = try await cluster.state()
            #expect(state.healthy, "\(state.notes)")
        }

        private func checked(_ program: String, _ arguments: [String]) async throws {
            try await cluster.runner.checked(Command(program, arguments, deadline: .seconds(600)), remedy: "")
        }
    }
}
