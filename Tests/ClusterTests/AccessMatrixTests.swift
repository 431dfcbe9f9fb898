import Foundation
import GuestAgent
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// Who gets in and who does not: every server's rules as they are read, and as whoever tries meets them.
    @Suite(.serialized) struct AccessMatrixTests {
        private let cluster: PgafProject

        init() throws { cluster = try TestCluster.local() }

        @Test func whoGetsInAndWhoDoesNot() async throws {
            _ = try await cluster.up()
            _ = try await cluster.waitUntilHealthy("the start")
            let containers = try await TestCluster.identifiers(cluster)
            var matrix = try AccessMatrix(cluster, subnet: try await subnet())
            var proven = try await matrix.check("by default", from: [.network, .monitor, .machine])
            // Roles change, the rules do not.
            let primary = try #require(try await cluster.state().nodes.first { $0.reportedState == "primary" }?.name)
            let order = try await cluster.command(
                "docker",
                ["exec", "--user", "postgres", TestCluster.monitor, "pg_autoctl", "perform", "switchover"])
            #expect(order.succeeded, "\(order.standardError)")
            let after = try await cluster.waitUntilHealthy("a switchover")
            #expect(after.nodes.first { $0.reportedState == "primary" }?.name != primary)
            proven.formUnion(try await matrix.check("after a switchover", from: [.network, .monitor, .machine]))
            try await expectRules("after a switchover")

            // Another user, first from sixteen addresses, one of two containers there, then from the gateway's alone.
            // Roles change after `up` each time, so that it cannot have put anything right again.
            matrix.user = "app"
            matrix.admit(.neighbour, prefixLength: 28)
            let narrow = try await cluster.up(matrix.flags)
            let gateway = try await subnet().address(1)
            let warnings = TestCluster.nodes.map {
                "Clients on this machine reach \($0) from the address \(gateway), which access.client_cidr"
                    + " \(matrix.clients) does not let in; a range that contains \(gateway)/32 would."
            }
            #expect(try Self.lockedOut(narrow) == warnings)
            try await changeThePrimary(["failover", "--order"])
            proven.formUnion(
                try await matrix.check(
                    "after a failover, for one user of sixteen addresses", from: [.network, .neighbour, .machine]))
            matrix.admit(.machine, prefixLength: 32)
            #expect(try Self.lockedOut(try await cluster.up(matrix.flags)) == [])
            let resting = try #require(try await cluster.state().nodes.first { $0.reportedState == "primary" }?.name)
            try await changeThePrimary(["maintenance", "enable", resting, "--allow-failover"])
            _ = try await cluster.host(["maintenance", "disable", resting, "--progress", "none"])
            try await cluster.expectHealthy()
            proven.formUnion(
                try await matrix.check("after a maintenance, for one user of this machine", from: [.machine]))
            #expect(try await TestCluster.identifiers(cluster) == containers)
            for row in matrix.table.rows { #expect(proven.contains(row), "nobody came in by this row alone: \(row)") }
            _ = try await cluster.up()
        }

        /// By one of pgaf's verbs, which waits until every node has its place.
        private func changeThePrimary(_ words: [String]) async throws {
            let result = try await cluster.host(words + ["--json", "--progress", "none"])
            let change = try JSONDecoder().decode(RoleChange.self, from: Data(result.standardOutput.utf8))
            #expect(change.from != change.to, "\(words)")
        }

        /// What `up` says of clients on this machine that do not come in, in the order of the nodes' names.
        private static func lockedOut(_ events: [Event]) throws -> [String] {
            guard case .result(let result) = try #require(events.last).body else {
                Issue.record("the last event is no result")
                return []
            }
            return result.warnings.filter { $0.contains("Clients on this machine") }.sorted()
        }

        /// A standby its primary, and every node the monitor; no password is in what a server shows of its connection.
        @Test func nodesVerifyThePrimaryAndTheMonitor() async throws {
            _ = try await cluster.up()
            let primary = try #require(
                try await cluster.state().nodes.first { $0.reportedState == "primary" }?.name)
            for name in TestCluster.nodes {
                let keeper = try await cluster.command(
                    "docker",
                    [
                        "exec", "--user", "postgres", name, "grep", "^monitor = ",
                        ContainerLayout.keeperConfiguration,
                    ]
                ).standardOutput
                #expect(keeper.contains("sslmode=verify-full&sslrootcert=/run/pgaf/ca.crt"), "\(name)")
                guard name != primary else { continue }
                let received = try await cluster.command(
                    "docker",
                    [
                        "exec", "--user", "postgres", name, "psql", "-XAtd", "postgres", "-c",
                        "SELECT conninfo FROM pg_stat_wal_receiver",
                    ]
                ).standardOutput
                #expect(received.contains("host=\(primary) "), "\(name)")
                #expect(received.contains("sslmode=verify-full") && received.contains("sslrootcert=/run/pgaf/ca.crt"))
                #expect(!received.contains("password="), "\(name)")
            }
        }

        /// By the socket the first rule decides, for replication too.
        @Test func onlyTheOperatingSystemsUserComesInByTheSocket() async throws {
            _ = try await cluster.up()
            for name in TestCluster.containers {
                let other = try await cluster.command(
                    "docker",
                    [
                        "exec", "--user", "nobody", name, "psql", "-XAtc", "IDENTIFY_SYSTEM",
                        "host=/var/run/postgresql user=postgres dbname=postgres replication=true",
                    ])
                #expect(
                    !other.succeeded && other.standardError.contains("Peer authentication failed"),
                    "\(name): \(other.standardError)")
            }
        }

        /// The rules in force are those that pgaf wrote, word for word, before all others, and the last of them refuses
        /// everybody.
        @Test func theIncludedRulesAreTheWholeTruth() async throws {
            _ = try await cluster.up()
            try await expectRules("after up")
        }

        private func inspected(_ arguments: [String], _ format: String) async throws -> String {
            try await cluster.command("docker", arguments + ["--format", format]).trimmedOutput
        }

        private func subnet() async throws -> IPv4Network {
            let text = try await inspected(
                ["network", "inspect", "pgaf_test_net"], "{{(index .IPAM.Config 0).Subnet}}")
            return try #require(IPv4Network(text))
        }

        private func expectRules(_ words: String) async throws {
            let subnet = try await subnet()
            let monitor = try await inspected(
                ["container", "inspect", TestCluster.monitor],
                "{{(index .NetworkSettings.Networks \"pgaf_test_net\").IPAddress}}")
            let (one, range) = ("255.255.255.255", "\(subnet.base)|255.255.255.0")
            #expect(subnet.prefixLength == 24)
            let everybody = [
                "host|all,replication|all|\(subnet.address(1))|\(one)|reject", "host|all,replication|all|all||reject",
            ]
            let socket = "local|all,replication|all|||peer"
            let expected = [
                "monitor": [
                    socket, "hostssl|pg_auto_failover|autoctl_node|0.0.0.0|0.0.0.0|scram-sha-256", everybody[0],
                    "hostssl|pg_auto_failover|autoctl_node|\(range)|scram-sha-256", everybody[1],
                ],
                "node": [
                    socket, "hostssl|all|pgautofailover_monitor|\(monitor)|\(one)|scram-sha-256",
                    "hostssl|all|postgres|0.0.0.0|0.0.0.0|scram-sha-256", everybody[0],
                    "hostssl|replication,all|pgautofailover_replicator|\(range)|scram-sha-256",
                    "hostssl|all|postgres|\(range)|scram-sha-256", everybody[1],
                ],
            ]
            let sql = """
                SELECT concat_ws('|', type, array_to_string(database, ','), array_to_string(user_name, ','),
                    coalesce(address, ''), coalesce(netmask, ''), auth_method)
                FROM pg_hba_file_rules WHERE file_name LIKE '/etc/pgaf/%' ORDER BY rule_number
                """
            let others = """
                SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL OR file_name NOT LIKE '/etc/pgaf/%'
                    AND rule_number <= (SELECT max(rule_number) FROM pg_hba_file_rules WHERE file_name LIKE '/etc/pgaf/%')
                """
            for name in TestCluster.containers {
                let read = try await cluster.command(
                    "docker",
                    ["exec", "--user", "postgres", name, "psql", "-XAtd", "postgres", "-c", sql, "-c", others])
                let rows = read.standardOutput.split(separator: "\n").map(String.init)
                let wanted = expected[name == TestCluster.monitor ? "monitor" : "node"] ?? []
                #expect(rows == wanted + ["0"], "\(words), \(name): \(read.standardError)")
            }
        }
    }
}
