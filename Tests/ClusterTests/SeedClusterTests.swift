import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// examples/seed.yaml on this machine's Docker, from repositories and a registry of the tests' own.
    @Suite(.serialized) struct SeedClusterTests {
        private let scratch = ScratchDirectory()
        private static let ports = [17501, 17502, 17503]
        private static let monitorPort = 17530

        /// The example with another machine, other names and ports, and mirrors; every other line as it is.
        private func project(_ settings: [String: String]) throws -> PgafProject {
            var text = try String(contentsOfFile: "\(PgafProject.root)/examples/seed.yaml", encoding: .utf8)
            let machine = try #require(text.range(of: "machine:\n"))
            let rest = try #require(text.range(of: "# Docker's repository"))
            text.replaceSubrange(
                machine.lowerBound..<rest.lowerBound, with: "cluster: pgaf-seed\nmachine: {kind: local}\n\n")
            let mirrors = ["docker", "pgdg", "pgdg_archive", "registry"].map {
                "    \($0): \(settings["packages.mirrors.\($0)"] ?? "")\n"
            }.joined()
            let keys = ["docker", "pgdg"].map { "    \($0): \(settings["packages.keys.\($0)"] ?? "")\n" }.joined()
            let changes =
                [
                    ("  source: pgdg\n", "  source: pgdg\n  mirrors:\n\(mirrors)  keys:\n\(keys)"),
                    ("  base: ubuntu:focal\n", "  base: ubuntu:focal\n  name: pgaf-test/seed\n"),
                    ("name: pgautofailover_cluster_net", "name: pgaf_seed_net"),
                    ("name: monitor_node\n  port: 5430", "name: pgaf-seed-monitor\n  port: \(Self.monitorPort)"),
                    ("port: 6432", "port: 17532"),
                ]
                + (1...3).map {
                    ("{name: pgnode\($0), port: 500\($0)}", "{name: pgaf-seed-\($0), port: \(Self.ports[$0 - 1])}")
                }
            for (old, new) in changes {
                let found = try #require(text.range(of: old), "the example has no \(old)")
                text.replaceSubrange(found, with: new)
            }
            return try PgafProject(directory: scratch.path, yaml: text)
        }

        /// Comes in with neither password nor TLS, as the scripts' users did.
        private func open(_ cluster: PgafProject, _ port: Int, _ text: String) async throws -> CommandResult {
            try await cluster.command(
                "psql", ["-XAtw", "-c", text],
                environment: [
                    "PGHOST": "127.0.0.1", "PGPORT": "\(port)", "PGUSER": "postgres", "PGDATABASE": "myappdb",
                    "PGPASSFILE": "/dev/null", "PGSSLMODE": "disable", "PGCONNECT_TIMEOUT": "30",
                ])
        }

        /// The registry has another image under the tag, and none is left here by name: what is pulled, and what the
        /// nodes' image is built on again, is the first one, and the containers on it stay.
        private func aTagThatMovesIsNotFollowed(_ cluster: PgafProject, _ registry: TestRegistry) async throws {
            func identifier(_ image: String) async throws -> String {
                try await cluster.command("docker", ["image", "inspect", "--format", "{{.Id}}", image]).trimmedOutput
            }
            #expect(try await registry.moveTag() != registry.digest)
            let first = try await identifier(registry.remembered)
            let removed = try await cluster.command(
                "docker", ["image", "rm", "--force", "pgaf-test/seed:latest", registry.remembered, "ubuntu:focal"])
            #expect(removed.succeeded, "\(removed.standardError)")
            let events = try await cluster.up()
            #expect(PgafProject.changedSteps(events).sorted() == ["base-image", "image", "repositories"])
            #expect(try await identifier(registry.remembered) == first && first.hasPrefix("sha256:"))
        }

        @Test func theScriptsSystemComesUpFromMirrorsAndStaysAsItIs() async throws {
            try await ThrowawayMachine.prepareBaseImage()
            try await TestMirror.run { mirror in
                let cluster = try project(mirror.settings())
                defer { withExtendedLifetime(scratch) {} }
                let events = try await cluster.up()
                #expect(PgafProject.changedSteps(events).contains("repositories"))
                let told = "ubuntu:focal is \(mirror.registry.digest); remembered"
                #expect(events.contains { $0.body == .stepOutput(step: "base-image", line: told) })
                let state = try await cluster.state()
                #expect(state.healthy && state.nodes.count == 3, "\(state.notes)")
                for port in Self.ports {
                    let entry = try await open(cluster, port, "SELECT 1")
                    #expect(entry.trimmedOutput == "1", "\(entry.standardError)")
                }
                #expect(mirror.requests.contains("/good/archive/pool/postgresql-16-auto-failover_1.0_all.deb"))

                #expect(PgafProject.changedSteps(try await cluster.up()).isEmpty)
                let plan = try await cluster.host(["plan"], expecting: 0)
                #expect(!plan.standardOutput.contains("packages.source"))
                // Another mirror is for later installs: nothing of the cluster is made anew for it.
                let other = "http://\(mirror.host):\(mirror.port)/good/pgdg"
                let moved = try await cluster.host(
                    ["plan", "--json", "--set", "packages.mirrors.pgdg_archive=\(other)"], expecting: 2)
                let found = try JSONDecoder().decode(ClusterPlan.self, from: Data(moved.standardOutput.utf8))
                #expect(
                    found.steps.flatMap(\.changes) == [
                        "remember packages.mirrors.pgdg_archive: \(mirror.address("good/archive")) → \(other)"
                    ])
                try await aTagThatMovesIsNotFollowed(cluster, mirror.registry)
                try await cluster.host(["destroy", "--yes"])
                _ = try await cluster.command("docker", ["image", "rm", "pgaf-test/seed:latest"])
            }
        }
    }
}
