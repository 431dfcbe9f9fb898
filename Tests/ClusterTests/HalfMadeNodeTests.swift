import Foundation
import Shared
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#endif

extension ClusterSuite {
    /// Containers that die while their data directory is being made.
    @Suite(.serialized) struct HalfMadeNodeTests {
        private let cluster: PgafProject

        init() throws { cluster = try TestCluster.local() }

        /// Waits until a program runs in a container, then kills all that is in it.
        ///
        /// - Parameter host: pgaf-host, whose `up` has it run.
        private func kill(_ container: String, during program: String, of host: DaemonProcess) async throws {
            let process = try await Wait(
                for: "\(program) in \(container)", upTo: .seconds(120), every: .milliseconds(2), hint: ""
            ).until { () async throws -> Wait.Observation<pid_t> in
                if let process = Self.process(program, in: container) { return .found(process) }
                guard let status = host.statusIfEnded() else { return .notYet("it does not run") }
                throw PgafError(
                    .internalError, "The run ended with status \(status) before \(program) was seen in \(container).",
                    remedy: "")
            }
            let container = try await cluster.command(
                "docker", ["inspect", "--format", "{{.State.Pid}}", container])
            let first = try #require(pid_t(container.trimmedOutput))
            #expect(Glibc.kill(first, SIGKILL) == 0)
            #expect(process != first)
        }

        private static func process(_ program: String, in container: String) -> pid_t? {
            let files = MachineFiles()
            return files.list("/proc").compactMap { pid_t($0) }.first { process in
                guard let name = try? files.read("/proc/\(process)/comm"), name.trimmed == program else { return false }
                // Its own root is the container's.
                let root = "/proc/\(process)/root"
                let host = try? files.read(root + "/etc/hostname")
                return host?.trimmed == container
            }
        }

        /// The monitor, the first node and a standby, one after another in the same run.
        @Test func oneThatDiesWhileItIsMadeIsMadeAllTheSame() async throws {
            _ = try await cluster.host(["destroy", "--yes"])
            let host = try cluster.background(["up", "--progress", "none"])
            for (program, container) in [
                ("initdb", "pgaf-test-monitor"), ("initdb", "pgaf-test-1"), ("pg_basebackup", "pgaf-test-2"),
            ] { try await kill(container, during: program, of: host) }
            // The run goes on with what Docker starts again, or says what failed; the next one converges.
            let status = host.wait()
            print("killed while they were made: the run ended with status \(status)")
            let events = try await cluster.up()
            #expect(status != 0 || PgafProject.changedSteps(events).isEmpty)
            try await cluster.expectHealthy()
            #expect(try await TestCluster.registered(cluster) == TestCluster.nodes)
        }

        /// The base backup of a node that lost its container and its volume, from a primary that takes writes all the while.
        @Test func aBaseBackupThatDiesInAClusterInUse() async throws {
            _ = try await cluster.up()
            let before = try await cluster.waitUntilHealthy("the start")
            let standby = try #require(before.nodes.last { $0.reportedState == "secondary" }?.name)
            try await cluster.whileWritten("\(standby) killed during its base backup") {
                _ = try await cluster.command("docker", ["rm", "--force", standby])
                #expect(try await cluster.command("docker", ["volume", "rm", "\(standby)_data"]).succeeded)
                let host = try cluster.background(["up", "--progress", "none"])
                try await kill(standby, during: "pg_basebackup", of: host)
                print("\(standby) killed during its base backup: the run ended with status \(host.wait())")
                _ = try await cluster.up()
            }
            try await cluster.expectHealthy()
            #expect(try await TestCluster.registered(cluster) == TestCluster.nodes)
        }
    }
}
