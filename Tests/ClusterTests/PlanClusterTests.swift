import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// What `plan` says against what `up` then does, on a real cluster.
    @Suite(.serialized) struct PlanTests {
        private let cluster: PgafProject

        init() throws {
            cluster = try TestCluster.local()
        }

        private func plan(_ flags: [String], expecting status: Int32) async throws -> ClusterPlan {
            let result = try await cluster.host(["plan", "--json"] + flags, expecting: status)
            return try JSONDecoder().decode(ClusterPlan.self, from: Data(result.standardOutput.utf8))
        }

        /// Everything that the machine remembers of the cluster, with sizes and times.
        private func memory() async throws -> String {
            try await cluster.command(
                "find", ["/var/lib/pgaf/clusters/\(TestCluster.name)", "-printf", "%p %s %T@\n"]
            ).standardOutput
        }

        @Test func upDoesExactlyWhatThePlanSays() async throws {
            _ = try await cluster.up()
            let (identifiers, before) = (try await TestCluster.identifiers(cluster), try await memory())
            let nothing = try await plan([], expecting: 0)
            #expect(nothing.changes == 0 && nothing.notes.isEmpty, "\(nothing)")

            let state = try await cluster.state()
            let moved = try #require(state.nodes.first { $0.reportedState == "secondary" }?.name)
            let old = try #require(TestCluster.nodes.firstIndex(of: moved).map { TestCluster.ports[$0] })
            let new = ListeningPort.free()
            let nodes = zip(TestCluster.nodes, TestCluster.ports).map {
                "{name: \($0), port: \($0 == moved ? new : $1)}"
            }
            let flags = [
                "--set", "access.client_cidr=10.0.0.0/8", "--set", "nodes=[\(nodes.joined(separator: ", "))]",
            ]
            let plan = try await plan(flags, expecting: 2)
            #expect(try await TestCluster.identifiers(cluster) == identifiers)
            #expect(try await memory() == before)
            let changes = plan.steps.filter { !$0.changes.isEmpty }.map { ($0.id, $0.changes) }
            let expected = expected(moving: moved, from: old, to: new)
            #expect(Dictionary(uniqueKeysWithValues: changes) == expected)
            let text = try await cluster.host(["plan"] + flags, expecting: 2).standardOutput
            for line in expected.values.flatMap(\.self) { #expect(text.contains("\n    \(line)\n"), "\(line)") }

            let events = try await cluster.up(flags)
            let announced = events.compactMap { event in
                if case .plan(let steps) = event.body { steps } else { nil }
            }
            #expect(announced.last == plan.steps.filter { $0.id != "machine" })
            #expect(Set(PgafProject.changedSteps(events)) == Set(expected.keys))
            #expect(try await self.plan(flags, expecting: 0).changes == 0)

            _ = try await cluster.up()
            #expect(try await self.plan([], expecting: 0).changes == 0)
        }

        private func expected(moving node: String, from old: Int, to new: Int) -> [String: [String]] {
            func rules(_ container: String, _ who: String) -> [String] {
                [("-", "0.0.0.0/0"), ("+", "10.0.0.0/8")].map { sign, range in
                    "\(container), pg_hba.conf: \(sign) hostssl \(who) \(range) scram-sha-256"
                }
            }
            var result = [
                "preflight": [
                    "remember nodes.\(node).port: \(old) → \(new)",
                    "remember access.client_cidr: 0.0.0.0/0 → 10.0.0.0/8",
                ],
                "node.\(node)": [
                    "make container \(node) anew on its volume",
                    "\(node), docker run: --publish 127.0.0.1:\(old):5432 → 127.0.0.1:\(new):5432",
                ] + rules(node, "all \"postgres\""),
                "failover-settings": rules(TestCluster.monitor, "pg_auto_failover autoctl_node"),
            ]
            for other in TestCluster.nodes where other != node {
                result["access.\(other)"] = rules(other, "all \"postgres\"")
            }
            return result
        }

        @Test func aPriorityChangesWithoutAnotherContainer() async throws {
            _ = try await cluster.up()
            let identifiers = try await TestCluster.identifiers(cluster)
            let state = try await cluster.state()
            let standby = try #require(state.nodes.first { $0.reportedState == "secondary" }?.name)
            let nodes = zip(TestCluster.nodes, TestCluster.ports).map {
                "{name: \($0), port: \($1), candidate_priority: \($0 == standby ? 10 : 50)}"
            }
            let flags = ["--set", "nodes=[\(nodes.joined(separator: ", "))]"]
            let plan = try await plan(flags, expecting: 2)
            #expect(
                plan.steps.flatMap(\.changes) == [
                    "remember nodes.\(standby).candidate_priority: 50 → 10",
                    "candidate priority of \(standby): 50 → 10",
                ])
            _ = try await cluster.up(flags)
            #expect(try await TestCluster.identifiers(cluster) == identifiers)
            // The container was made with the old value, which must not come back.
            #expect(try await cluster.command("docker", ["restart", standby]).succeeded)
            _ = try await cluster.up(flags)
            let priority = try await cluster.state().nodes.first { $0.name == standby }?.candidatePriority
            #expect(priority == 10)
            #expect(try await self.plan(flags, expecting: 0).changes == 0)
            _ = try await cluster.up()
            #expect(try await TestCluster.identifiers(cluster) == identifiers)
        }

        @Test func aNodeLeavesTheQuorumAndComesBack() async throws {
            _ = try await cluster.up()
            let nodes = zip(TestCluster.nodes, TestCluster.ports).map {
                "{name: \($0), port: \($1), replication_quorum: \($0 != TestCluster.nodes[2])}"
            }
            let flags = ["--set", "nodes=[\(nodes.joined(separator: ", "))]"]
            let plan = try await plan(flags, expecting: 2)
            #expect(
                plan.steps.flatMap(\.changes) == [
                    "remember nodes.\(TestCluster.nodes[2]).replication_quorum: true → false",
                    "replication quorum of \(TestCluster.nodes[2]): true → false",
                    "number_sync_standbys of the formation: 1 → 0",
                ])
            try await cluster.whileWritten("a node that leaves the quorum and comes back") {
                _ = try await cluster.up(flags)
                #expect(try await self.plan(flags, expecting: 0).changes == 0)
                #expect(try await cluster.state().nodes.last?.replicationQuorum == false)
                _ = try await cluster.up()
                #expect(try await self.plan([], expecting: 0).changes == 0)
            }
        }

        @Test func aSettingThatNeedsARestartGetsItOneNodeAfterAnother() async throws {
            _ = try await cluster.up()
            let identifiers = try await TestCluster.identifiers(cluster)
            let password = try cluster.passwords()["superuser"]
            func shown(_ port: Int) async throws -> String {
                try await cluster.sql("SHOW max_connections", ports: [port], password: password).trimmedOutput
            }
            let usual = try await shown(TestCluster.ports[0])
            try #require(Int(usual).map { $0 < 210 } == true, "\(usual)")
            // Down by the way back to what the cluster had without the setting.
            let turns: [(value: String, flags: [String], first: String)] = [
                ("210", ["--set", "postgres.settings.max_connections=210"], "standby"), (usual, [], "primary"),
            ]
            try await cluster.whileWritten("settings that need a restart, up and down") {
                for (value, flags, first) in turns {
                    let primary = try #require(
                        try await cluster.state().nodes.first { $0.reportedState == "primary" }?.name)
                    let restarts =
                        try await plan(flags, expecting: 2).steps.first { $0.id == "restarts" }?.changes ?? []
                    #expect(
                        restarts.count == 3 && restarts.allSatisfy { $0.contains("max_connections") }, "\(restarts)")
                    let order = try await cluster.up(flags).compactMap { event -> String? in
                        guard case .stepOutput("restarts", let line) = event.body else { return nil }
                        return TestCluster.nodes.first { line.hasPrefix("restart PostgreSQL of \($0):") }
                    }
                    if first == "primary" {
                        // Lowered below what the primary has, a standby would no longer replay.
                        #expect(order.first == primary && order.sorted() == TestCluster.nodes, "\(order), \(primary)")
                    } else {
                        // A primary that has handed over was started anew by that.
                        let standbys = TestCluster.nodes.filter { $0 != primary }
                        #expect(
                            order.filter { $0 != primary } == standbys && order.first != primary, "\(order), \(primary)"
                        )
                    }
                    for port in TestCluster.ports { #expect(try await shown(port) == value) }
                    #expect(try await plan(flags, expecting: 0).changes == 0)
                }
            }
            #expect(try await TestCluster.identifiers(cluster) == identifiers)
        }

        @Test func aRefusalIsAnErrorObject() async throws {
            _ = try await cluster.up()
            let result = try await cluster.host(
                ["plan", "--json", "--set", "network.subnet=172.31.255.0/24"], expecting: 78)
            struct Envelope: Decodable { var error: PgafError }
            let envelope = try JSONDecoder().decode(Envelope.self, from: Data(result.standardOutput.utf8))
            #expect(envelope.error.code == .dataWouldBeLost)
        }
    }
}
