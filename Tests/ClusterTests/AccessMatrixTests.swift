import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// Who gets in and who does not, found out by trying: every user, database, password and kind of connection, from
    /// inside the network and from this machine, on every server and after a change of roles.
    @Suite(.serialized) struct AccessMatrixTests {
        private let cluster: PgafProject

        init() throws { cluster = try TestCluster.local() }

        enum Origin: String, CaseIterable {
            case network = "a container in the network"
            case machine = "this machine"
        }

        /// One try to get in.
        struct Attempt: Hashable {
            var origin: Origin
            var server: String
            var user: String
            /// `replication` means a replication connection.
            var database: String
            var password: String
            var mode: String

            var isToMonitor: Bool { server == TestCluster.monitor }

            /// What the rules promise.
            ///
            /// - Parameter clientsFromHere: whether the configured range has this machine's address in it.
            func mayEnter(clientsFromHere: Bool) -> Bool {
                guard mode != "disable", password == "right" else { return false }
                let isInside = origin == .network
                switch (user, isToMonitor) {
                case ("autoctl_node", true): return database == "pg_auto_failover" && (isInside || clientsFromHere)
                case ("postgres", false): return database != "replication" && (isInside || clientsFromHere)
                case ("pgautofailover_replicator", false): return isInside
                default: return false
                }
            }
        }

        private static let users = [
            "postgres", "pgautofailover_replicator", "pgautofailover_monitor", "autoctl_node", "nobody",
        ]

        private func attempts(_ origin: Origin) -> [Attempt] {
            var result: [Attempt] = []
            for server in TestCluster.containers {
                let own = server == TestCluster.monitor ? ["pg_auto_failover"] : ["myappdb"]
                for (user, database) in Self.users.flatMap({ user in
                    (own + ["postgres", "replication"]).map { (user, $0) }
                }) {
                    for (password, mode) in [
                        ("right", "verify-full"), ("right", "disable"), ("wrong", "require"), ("none", "require"),
                    ] {
                        result.append(
                            Attempt(
                                origin: origin, server: server, user: user, database: database, password: password,
                                mode: mode))
                    }
                }
            }
            return result
        }

        /// Reads a try a line, fields with a tab between, and answers each with `in` or why not.
        private static let script = #"""
            while IFS=$'\t' read -r host port user database password mode root; do
                export PGPASSFILE=/dev/null PGCONNECT_TIMEOUT=10 PGSSLMODE=$mode PGSSLROOTCERT=$root
                export PGHOST=$host PGPORT=$port PGUSER=$user
                if [ "$password" = - ]; then unset PGPASSWORD; else export PGPASSWORD=$password; fi
                if [ "$database" = replication ]; then
                    answer=$(psql -XAtw 'replication=true' -c IDENTIFY_SYSTEM 2>&1 </dev/null)
                else
                    answer=$(psql -XAtw -d "$database" -c 'SELECT 1' 2>&1 </dev/null)
                fi && echo in || echo "${answer//$'\n'/ }"
            done
            """#

        private func tryAll(_ attempts: [Attempt], _ origin: Origin) async throws -> [String] {
            let secrets = try cluster.passwords()
            var passwords = [
                "postgres": "superuser", "pgautofailover_replicator": "replication", "autoctl_node": "monitor",
            ].mapValues { secrets[$0] ?? "" }
            // pg_auto_failover's own, the same everywhere: only the rules stand before it.
            passwords["pgautofailover_monitor"] = "pgautofailover_monitor"
            let root = origin == .network ? "/run/pgaf/ca.crt" : "\(cluster.directory)/.pgaf/ca.crt"
            let ports = Dictionary(
                uniqueKeysWithValues: zip(TestCluster.containers, [TestCluster.monitorPort] + TestCluster.ports))
            let lines = attempts.map { attempt in
                let password =
                    switch attempt.password {
                    case "right": passwords[attempt.user] ?? "none of theirs"
                    case "wrong": "wrong"
                    default: "-"
                    }
                let place =
                    origin == .network
                    ? [attempt.server, "5432"] : ["127.0.0.1", "\(ports[attempt.server] ?? 0)"]
                return (place + [attempt.user, attempt.database, password, attempt.mode, root]).joined(separator: "\t")
            }
            // The container that tries is one of nobody: the image, the network, and the certificate to check servers by.
            let words =
                origin == .network
                ? [
                    "docker", "run", "--rm", "--interactive", "--network", "pgaf_test_net", "--volume",
                    "\(cluster.directory)/.pgaf/ca.crt:/run/pgaf/ca.crt:ro", "--entrypoint", "bash",
                    "pgaf/pg_auto_failover:latest", "-c", Self.script,
                ] : ["bash", "-c", Self.script]
            let result = try await cluster.runner.run(
                Command(
                    words[0], Array(words.dropFirst()), input: Secret(lines.joined(separator: "\n") + "\n"),
                    deadline: .seconds(600)))
            #expect(result.succeeded, "\(result.standardError)")
            return result.standardOutput.split(separator: "\n").map(String.init)
        }

        /// Tries everything from everywhere, both origins at once, and compares it with what is promised.
        private func check(_ words: String, clientsFromHere: Bool) async throws {
            let tries = try await withThrowingTaskGroup(of: (Origin, [(attempt: Attempt, answer: String)]).self) {
                group in
                for origin in Origin.allCases {
                    group.addTask {
                        let attempts = attempts(origin)
                        let answers = try await tryAll(attempts, origin)
                        try #require(answers.count == attempts.count)
                        return (origin, zip(attempts, answers).map { ($0, $1) })
                    }
                }
                return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            for origin in Origin.allCases {
                let answered = tries[origin] ?? []
                for (attempt, answer) in answered {
                    #expect(
                        (answer == "in") == attempt.mayEnter(clientsFromHere: clientsFromHere),
                        "\(words): \(attempt): \(answer)")
                }
                table(words, answered.filter { $0.answer == "in" }.map(\.attempt), origin, answered.count)
            }
        }

        private func table(_ words: String, _ entered: [Attempt], _ origin: Origin, _ tried: Int) {
            print("\(words), from \(origin.rawValue): \(entered.count) of \(tried) tries got in")
            for attempt in entered where attempt.server == TestCluster.monitor || attempt.server == TestCluster.nodes[0]
            {
                print("| \(attempt.server) | \(attempt.user) | \(attempt.database) | \(attempt.mode) |")
            }
        }

        @Test func whoGetsInAndWhoDoesNot() async throws {
            _ = try await cluster.up()
            _ = try await cluster.waitUntilHealthy("the start")
            try await check("by default", clientsFromHere: true)
            // Roles change, the rules do not.
            let primary = try #require(try await cluster.state().nodes.first { $0.reportedState == "primary" }?.name)
            let order = try await cluster.command(
                "docker",
                ["exec", "--user", "postgres", TestCluster.monitor, "pg_autoctl", "perform", "switchover"])
            #expect(order.succeeded, "\(order.standardError)")
            let after = try await cluster.waitUntilHealthy("a switchover")
            #expect(after.nodes.first { $0.reportedState == "primary" }?.name != primary)
            try await check("after a switchover", clientsFromHere: true)
            try await expectRules("after a switchover")
            _ = try await cluster.up(["--set", "access.client_cidr=192.0.2.0/24"])
            try await check("with another range", clientsFromHere: false)
            _ = try await cluster.up()
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
                        "/var/lib/pgaf/config/pg_autoctl/var/lib/pgaf/data/pg_autoctl.cfg",
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

        private func expectRules(_ words: String) async throws {
            func inspected(_ arguments: [String], _ format: String) async throws -> String {
                try await cluster.command("docker", arguments + ["--format", format]).trimmedOutput
            }
            let network = "pgaf_test_net"
            let subnet = try #require(
                IPv4Network(
                    try await inspected(["network", "inspect", network], "{{(index .IPAM.Config 0).Subnet}}")))
            let monitor = try await inspected(
                ["container", "inspect", TestCluster.monitor],
                "{{(index .NetworkSettings.Networks \"\(network)\").IPAddress}}")
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
