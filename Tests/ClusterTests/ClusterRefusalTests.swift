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
            let port = try freePort()
            let listener = try Listener(port: port)
            defer { listener.close() }
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
                    "--set", "monitor.port=\(try freePort())",
                    "--set", "nodes=[{name: other-1, port: \(try freePort())}]",
                ], expecting: 78)
            #expect(result.standardError.contains("docker.foreign-object"))
            #expect(try await labelledObjects(other, "pgaf-refused").isEmpty)
            #expect(try await local.state().healthy)
        }
    }
}

/// Occupies a port on every address.
struct Listener {
    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(port: port)
        address.sin_addr.s_addr = 0
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard bound == 0, listen(descriptor, 1) == 0 else {
            throw PgafError(.portInUse, "Port \(port) cannot be taken by the test.", remedy: "Run the test again.")
        }
    }

    func close() { Foundation.close(descriptor) }
}
