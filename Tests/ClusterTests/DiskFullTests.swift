import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// A disk runs full in each step that writes on it: Docker's, then the machine's own. There is a clear error, and once
    /// there is room again, the next `up` converges.
    ///
    /// A small file system in memory is that disk meanwhile.
    @Suite(.serialized) struct DiskFullTests {
        private let cluster: PgafProject
        private let engine = TestEngine()
        private let images = ["pgaf/base:trixie", "pgaf/pg_auto_failover:latest"]

        init() throws { cluster = try TestCluster.local() }

        @Test func aDiskThatRunsFullInAnyStep() async throws {
            try await TestCluster.remove(cluster)
            let root = try await cluster.command("docker", ["info", "--format", "{{.DockerRootDir}}"]).trimmedOutput
            let disk = SmallDisk(over: root, size: "5g")
            let archives = images.indices.map { "\(NSTemporaryDirectory())/pgaf-small-disk-\($0).tar" }
            for (image, archive) in zip(images, archives) {
                try await docker(["save", "--output", archive, image])
            }
            try await engine.stop()
            try await disk.mount()
            try await fill(disk, expecting: FillingDisk.dockers) { steps in
                try await engine.start()
                var before = try await TestCluster.before(cluster)
                before.passwords = try await bringUp(steps, archives)
                try await cluster.whileWritten("a disk that ran full in a cluster in use", in: "postgres") {
                    try await change(steps)
                    try await restartEngine(steps)
                }
                return before
            }
            try await engine.stop()
            try await disk.unmount()
            for archive in archives { try FileManager.default.removeItem(atPath: archive) }
            try await engine.start()
        }

        /// From nothing: each run gets one step further than the one before.
        ///
        /// - Returns: the passwords of the first run.
        private func bringUp(_ steps: FillingDisk, _ archives: [String]) async throws -> [String: String] {
            try await steps.run(fullIn: "base-image", leaving: 3200)
            let passwords = try cluster.passwords()
            try await docker(["load", "--input", archives[0]])
            try await steps.run(fullIn: "image", leaving: 3200)
            try await docker(["load", "--input", archives[1]])
            try await steps.run(fullIn: "certificates")
            // A run that made no certificates has made it beside them.
            _ = try await cluster.command("docker", ["network", "rm", "pgaf_test_net"])
            let rest = ["network", "monitor", "node.pgaf-test-1", "node.pgaf-test-2", "failover-settings", "verify"]
            for step in rest { try await steps.run(fullIn: step) }
            try await converge()
            return passwords
        }

        /// Each step gets something to do in a cluster that is there; each run mends what the one before has left.
        private func change(_ steps: FillingDisk) async throws {
            let password = try #require(try cluster.passwords()["superuser"])
            let drop = try await cluster.sql(
                "DROP DATABASE myappdb", database: "postgres", ports: TestCluster.ports, password: password,
                attributes: "read-write")
            #expect(drop.succeeded, "\(drop.standardError)")
            let primary = try await nodes().primary
            // It is done in a moment, before a disk could be filled.
            try await steps.run(fullIn: "access.\(primary)", from: "preflight")
            try await converge()

            let unknown = try await nodes().standby
            let removal = try await TestCluster.onMonitor(
                "SELECT pgautofailover.remove_node(nodeid, true) FROM pgautofailover.node WHERE nodename = '\(unknown)'",
                cluster)
            #expect(removal.trimmedOutput == "t", "\(removal.standardError)")
            try await steps.run(fullIn: "registration")
            try await converge()

            // Runs with a setting that its file does not have any more once its access is looked at.
            let other = try await nodes().standby
            try append("shared_buffers = '24MB'", to: other)
            try await docker(["restart", other])
            try await steps.run(fullIn: "restarts")
            try await converge()

            let leaving = try await nodes().standby
            let left = zip(TestCluster.nodes, TestCluster.ports).filter { $0.0 != leaving }
                .map { "{name: \($0.0), port: \($0.1)}" }.joined(separator: ", ")
            let flags = ["--set", "nodes=[\(left)]"]
            try await steps.run(fullIn: "departures", flags)
            try await steps.run(fullIn: "volumes", flags + ["--purge", "--yes"])
            try await converge()
        }

        private func restartEngine(_ steps: FillingDisk) async throws {
            try await engine.stop()
            // An engine that does not run shows no image, and a cluster without one needs more room.
            try await steps.run(fullIn: "docker", leaving: 3200)
            try await converge()
        }

        /// The machine's memory of the cluster, and what it hands to containers: not on Docker's disk, often.
        @Test func aMachinesDiskThatRunsFullInAnyStep() async throws {
            try await TestCluster.remove(cluster)
            let disk = SmallDisk(over: "/var/lib/pgaf", size: "64m")
            try await disk.mount()
            try await fill(disk, expecting: FillingDisk.machines) { steps in
                var before = try await TestCluster.before(cluster)
                try await steps.run(fullIn: "preflight", from: nil, leaving: 0)
                before.passwords = try cluster.passwords()
                try await steps.run(fullIn: "image", leaving: 32, ["--set", "image.tag=full"])
                for step in ["certificates", "monitor", "node.pgaf-test-1", "failover-settings"] {
                    try await steps.run(fullIn: step, leaving: 32)
                }
                try await converge()
                try await cluster.whileWritten("a machine's disk that ran full in a cluster in use") {
                    try append("work_mem = '5MB'", to: TestCluster.nodes[0])
                    try await steps.run(fullIn: "access.pgaf-test-1", from: nil, leaving: 0)
                    try await converge()
                    try await steps.run(fullIn: "verify", from: nil, leaving: 0)
                    try await converge()
                }
                return before
            }
            try await disk.unmount()
        }

        /// Lets a disk run full in each step that writes on it, and looks at what is left; then everything goes, whatever
        /// has failed.
        ///
        /// - Parameter runs: does so, from nothing to a healthy cluster, and tells what there was before.
        private func fill(
            _ disk: SmallDisk, expecting expected: [String: FillingDisk.Writing],
            _ runs: (FillingDisk) async throws -> TestCluster.Before
        ) async throws {
            let steps = FillingDisk(disk, cluster, expecting: expected)
            do {
                let before = try await runs(steps)
                steps.expectAllReached()
                try await TestCluster.expectNoLeftovers(cluster, since: before)
            } catch {
                Issue.record(error)
                try? await disk.makeRoom()
            }
            _ = try await cluster.host(["destroy", "--yes"], expecting: nil)
        }

        /// The primary, and the last of the standbys.
        private func nodes() async throws -> (primary: String, standby: String) {
            let nodes = try await cluster.waitUntilHealthy("the disk that was full").nodes
            return (
                try #require(nodes.first { $0.reportedState == "primary" }?.name),
                try #require(nodes.last { $0.reportedState == "secondary" }?.name)
            )
        }

        /// Adds a line to a node's PostgreSQL settings, as somebody who edits the file by hand.
        private func append(_ line: String, to node: String) throws {
            let file = "/var/lib/pgaf/clusters/\(TestCluster.name)/nodes/\(node)/etc/postgresql.conf"
            let text = try String(contentsOfFile: file, encoding: .utf8)
            try "\(text)\(line)\n".write(toFile: file, atomically: true, encoding: .utf8)
        }

        private func converge() async throws {
            _ = try await cluster.up()
            let state = try await cluster.state()
            #expect(state.healthy, "\(state.notes)")
        }

        private func docker(_ arguments: [String]) async throws {
            try await cluster.runner.checked(Command("docker", arguments, deadline: .seconds(600)), remedy: "")
        }
    }
}
