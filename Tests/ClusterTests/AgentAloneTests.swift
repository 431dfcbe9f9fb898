import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// The agent as a program for people inside the machine, without any pgaf-host.
    @Suite(.serialized) struct AgentAloneTests {
        private static let node = "pgaf-alone-1"

        private struct Removal: Decodable {
            var cluster: String
            var removed: [String]
        }

        @Test func aClusterFromItsFileToItsEnd() async throws {
            let directory = try scratchDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }
            let project = try PgafProject(
                directory: directory,
                yaml: """
                    cluster: pgaf-alone
                    packages: {source: debian}
                    network: {name: pgaf_alone_net}
                    monitor: {name: pgaf-alone-monitor, port: \(ListeningPort.free())}
                    nodes:
                      - {name: \(Self.node), port: \(ListeningPort.free())}

                    """)
            func agent(_ arguments: [String], expecting status: Int32 = 0) async throws -> CommandResult {
                let result = try await project.command(
                    "\(PgafProject.root)/.build-agent/release/pgaf-agent", arguments, directory: directory)
                #expect(result.status == status, "\(arguments): \(result.standardError)")
                return result
            }
            func decoded<Value: Decodable>(_ type: Value.Type, _ result: CommandResult) throws -> Value {
                try JSONDecoder().decode(type, from: Data(result.standardOutput.utf8))
            }

            let events = try PgafProject.events(
                try await agent(["up", "--config", "pgaf.yaml", "--json"]).standardOutput)
            guard case .result(let result) = events.last?.body else {
                Issue.record("the last event is no result")
                return
            }
            #expect(result.status == .ok)
            let named = ["--cluster", "pgaf-alone"]
            #expect(try await agent(["status"] + named).standardOutput.contains(Self.node))
            let state = try decoded(FormationState.self, try await agent(["status", "--json"] + named))
            #expect(state.healthy && state.nodes.map(\.name) == [Self.node])

            // Not by mistake: nobody types the name.
            _ = try await agent(["down"] + named, expecting: ErrorCode.cancelled.exitCode)
            let removal = try decoded(Removal.self, try await agent(["down", "--yes", "--json"] + named))
            #expect(removal.cluster == "pgaf-alone" && removal.removed.contains { $0.contains(Self.node) })
            let left = try await project.command("docker", ["ps", "-aq", "--filter", "label=pgaf.cluster=pgaf-alone"])
            #expect(left.trimmedOutput.isEmpty)
            let again = try decoded(Removal.self, try await agent(["down", "--yes", "--json"] + named))
            #expect(again.removed.isEmpty)
            #expect(try await agent(["version"]).standardOutput.contains(PgafVersion.current))
        }
    }
}
