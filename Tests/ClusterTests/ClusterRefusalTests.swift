import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// What `up` refuses before it changes anything.
    @Suite(.serialized) struct RefusalTests {
        private func labelledObjects(_ cluster: PgafProject, _ name: String) async throws -> String {
            try await cluster.command(
                "docker", ["ps", "--all", "--quiet", "--filter", "label=pgaf.cluster=\(name)"]
            ).trimmedOutput
        }

        @Test func aPortInUse() async throws {
            let directory = try scratchDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }
            let cluster = try TestCluster.project(directory: directory, machine: "  kind: local")
            let listener = ListeningPort(on: .any)
            let port = listener.number
            let result = try await cluster.host(
                [
                    "up", "--set", "cluster=pgaf-refused", "--set", "network.name=pgaf_refused_net",
                    "--set", "monitor.port=\(port)",
                ], expecting: 69)
            #expect(result.standardError.contains("port.in-use"))
            #expect(result.standardError.contains("\(port)"))
            #expect(try await labelledObjects(cluster, "pgaf-refused").isEmpty)
        }

        @Test func aContainerOfSomebodyElse() async throws {
            let local = try TestCluster.local()
            _ = try await local.up()
            let directory = try scratchDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }
            let other = try TestCluster.project(directory: directory, machine: "  kind: local")
            let result = try await other.host(
                [
                    "up", "--set", "cluster=pgaf-refused", "--set", "network.name=pgaf_refused_net",
                    "--set", "monitor.port=\(ListeningPort.free())",
                    "--set", "nodes=[{name: other-1, port: \(ListeningPort.free())}]",
                ], expecting: 78)
            #expect(result.standardError.contains("docker.foreign-object"))
            #expect(try await labelledObjects(other, "pgaf-refused").isEmpty)
            try await local.expectHealthy()
        }
    }
}
