import Foundation
import Shared
import TestSupport
import Testing

extension Tag {
    /// Needs root (or sudo) and a Docker engine, and takes minutes.
    @Tag static var cluster: Self
}

/// A cluster of the tests' own: other names and ports than the defaults, so that a developer's cluster is left alone.
enum TestCluster {
    static let name = "pgaf-test"
    static let monitor = "pgaf-test-monitor"
    static let nodes = ["pgaf-test-1", "pgaf-test-2", "pgaf-test-3"]
    static let ports = [17001, 17002, 17003]
    static let monitorPort = 17430
    static var containers: [String] { [monitor] + nodes }

    /// - Parameter machine: the `machine` part of pgaf.yaml, indented by two spaces.
    static func project(directory: String, machine: String) throws -> PgafProject {
        let nodes = zip(nodes, ports).map { "  - {name: \($0), port: \($1)}" }.joined(separator: "\n")
        return try PgafProject(
            directory: directory,
            yaml: """
                cluster: \(name)
                machine:
                \(machine)
                packages: {source: debian}
                network: {name: pgaf_test_net}
                monitor: {name: \(monitor), port: \(monitorPort)}
                pooler: {port: 17432}
                nodes:
                \(nodes)
                failover: {profile: fast}

                """)
    }

    /// The `machine` part for a machine behind a test's own sshd.
    static func machine(_ server: TestServer) -> String {
        """
          kind: ssh
          ssh: {host: 127.0.0.1, port: \(server.port), user: \(NSUserName()), identity_files: [\(server.directory)/user]}
        """
    }

    /// The project on this machine that all tests share.
    static func local() throws -> PgafProject {
        try project(directory: "\(NSTemporaryDirectory())/pgaf-cluster-tests", machine: "  kind: local")
    }

    /// Removes the cluster, for what begins with nothing but its images; they are made where there are none.
    static func remove(_ project: PgafProject) async throws {
        try await ThrowawayMachine.prepareBaseImage()
        try await project.host(["destroy", "--yes"])
    }

    /// SQL as the monitor's own superuser in its container, rows as lines.
    static func onMonitor(_ sql: String, _ project: PgafProject) async throws -> CommandResult {
        let psql = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", "pg_auto_failover", "-c", sql]
        return try await project.command("docker", ["exec", "--user", "postgres", monitor] + psql)
    }

    /// The nodes that the monitor has registered, in the order of their names.
    static func registered(_ project: PgafProject) async throws -> [String] {
        try await onMonitor("SELECT nodename FROM pgautofailover.node ORDER BY 1", project).standardOutput
            .split(separator: "\n").map(String.init)
    }

    /// Container ids by name.
    static func identifiers(_ project: PgafProject) async throws -> [String: String] {
        var found: [String: String] = [:]
        for name in containers {
            let inspect = try await project.command("docker", ["container", "inspect", "--format", "{{.Id}}", name])
            found[name] = inspect.trimmedOutput
        }
        return found
    }
}
