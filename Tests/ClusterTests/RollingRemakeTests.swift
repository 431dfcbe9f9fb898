import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// A change for which every container has to be made anew, while a client writes.
    @Suite(.serialized) struct RollingRemakeTests {
        private let cluster: PgafProject

        init() throws { cluster = try TestCluster.local() }

        /// Starts and ends of the nodes' containers as Docker noted them, in order.
        private func history(since start: Date, until end: Date) async throws -> [(name: String, isUp: Bool)] {
            func seconds(_ date: Date) -> String { String(format: "%.3f", date.timeIntervalSince1970) }
            let events = try await cluster.command(
                "docker",
                [
                    "events", "--since", seconds(start), "--until", seconds(end), "--filter", "type=container",
                    "--filter", "label=pgaf.role=node", "--filter", "event=start", "--filter", "event=die", "--format",
                    "{{.Action}} {{.Actor.Attributes.name}}",
                ])
            return events.standardOutput.split(separator: "\n").map { line in
                let words = line.split(separator: " ")
                return (String(words.last ?? ""), words.first == "start")
            }
        }

        @Test func everyContainerIsMadeAnewOneAfterAnotherThePrimaryLast() async throws {
            _ = try await cluster.up()
            let before = try await cluster.waitUntilHealthy("the start")
            let primary = try #require(before.nodes.first { $0.reportedState == "primary" }?.name)
            let identifiers = try await TestCluster.identifiers(cluster)
            let flags = ["--set", "image.tag=rolling"]
            let plan = try await cluster.host(["plan"] + flags, expecting: 2).standardOutput
            #expect(plan.contains("let another node become primary before \(primary) is made anew"))

            let start = Date()
            let events = try await cluster.whileWritten("three containers made anew") {
                try await cluster.up(flags)
            }.value
            let history = try await history(since: start, until: Date())

            let changed = Set(PgafProject.changedSteps(events))
            #expect(changed.isSuperset(of: TestCluster.nodes.map { "node.\($0)" }))
            let after = try await TestCluster.identifiers(cluster)
            for name in TestCluster.nodes { #expect(after[name] != identifiers[name]) }
            var down: Set<String> = []
            for change in history {
                if change.isUp { down.remove(change.name) } else { down.insert(change.name) }
                #expect(down.count <= 1, "\(down) are down at once: \(history)")
            }
            let order = history.filter { !$0.isUp }.map(\.name)
            #expect(order.count == 3 && Set(order) == Set(TestCluster.nodes), "\(order)")
            #expect(order.last == primary, "\(order), the primary was \(primary)")
            try await cluster.expectHealthy()
            // The way back would be the same once more, and takes longer.
            try await cluster.host(["destroy", "--yes"])
        }
    }
}
