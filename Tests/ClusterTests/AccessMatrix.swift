import Foundation
import Shared
import TestSupport
import Testing

/// Every user, database, password and kind of connection, tried on every server and compared with docs/security.md.
struct AccessMatrix {
    /// Where a try comes from.
    enum Origin: String {
        case network = "a container in the network"
        case neighbour = "another container in the network"
        case monitor = "the monitor's container"
        case machine = "this machine"
    }

    /// One try to get in.
    struct Attempt {
        var origin: Origin
        var server: String
        var user: String
        /// `replication` means a replication connection.
        var database: String
        var password: String
        var mode: String
    }

    let table: AccessTable
    /// `access.client_user`.
    var user = "postgres"
    /// `access.client_cidr`.
    private(set) var clients = IPv4Network(containing: .any, prefixLength: 0)
    private let cluster: PgafProject
    private let subnet: IPv4Network

    init(_ cluster: PgafProject, subnet: IPv4Network) throws {
        self.cluster = cluster
        self.subnet = subnet
        table = try AccessTable()
    }

    /// Makes the range of clients narrow, around the address of one origin.
    mutating func admit(_ origin: Origin, prefixLength: Int) {
        clients = IPv4Network(containing: address(of: origin), prefixLength: prefixLength)
    }

    /// What `up` has to be told.
    var flags: [String] { ["--set", "access.client_user=\(user)", "--set", "access.client_cidr=\(clients)"] }

    /// The address that the servers see.
    private func address(of origin: Origin) -> IPv4Address {
        switch origin {
        // The gateway's is that of everybody who comes through a published port by the machine's loopback.
        case .machine: subnet.address(1)
        case .monitor: subnet.address(2)
        case .network: subnet.address(200)
        case .neighbour: subnet.address(230)
        }
    }

    private func places(of origin: Origin) -> Set<AccessTable.Place> {
        var places: Set<AccessTable.Place> = origin == .machine ? [] : [.network]
        if origin == .monitor { places.insert(.monitor) }
        if clients.contains(address(of: origin)) { places.insert(.clients) }
        return places
    }

    /// The page's rows that let somebody in: over TLS and with the right password only.
    private func rows(for attempt: Attempt) -> [AccessTable.Row] {
        guard attempt.password == "right", attempt.mode != "disable" else { return [] }
        let places = places(of: attempt.origin)
        let isMonitor = attempt.server == TestCluster.monitor
        return table.rows.filter { row in
            places.contains(row.place) && row.isMonitor == isMonitor && (row.user ?? user) == attempt.user
                && row.opens(attempt.database)
        }
    }

    private static let users = [
        "postgres", "pgautofailover_replicator", "pgautofailover_monitor", "autoctl_node", "app", "nobody",
    ]

    private static func attempts(_ origin: Origin) -> [Attempt] {
        var result: [Attempt] = []
        for server in TestCluster.containers {
            let own = server == TestCluster.monitor ? ["pg_auto_failover"] : ["myappdb"]
            for (user, database) in users.flatMap({ user in
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

    /// The command that runs the script at an origin.
    private func words(_ origin: Origin) -> [String] {
        switch origin {
        case .machine: ["bash", "-c", Self.script]
        case .monitor:
            ["docker", "exec", "--interactive", "--user", "postgres", TestCluster.monitor, "bash", "-c", Self.script]
        // The container that tries is one of nobody: the image, the network, and the certificate to check servers by.
        case .network, .neighbour:
            [
                "docker", "run", "--rm", "--interactive", "--network", "pgaf_test_net", "--ip",
                "\(address(of: origin))", "--volume", "\(cluster.directory)/.pgaf/ca.crt:/run/pgaf/ca.crt:ro",
                "--entrypoint", "bash", "pgaf/pg_auto_failover:latest", "-c", Self.script,
            ]
        }
    }

    private func tryAll(_ attempts: [Attempt], _ origin: Origin) async throws -> [String] {
        let secrets = try cluster.passwords()
        var passwords = [
            "postgres": "superuser", "pgautofailover_replicator": "replication", "autoctl_node": "monitor",
            "app": "client",
        ].mapValues { secrets[$0] ?? "" }
        // pg_auto_failover's own, the same everywhere: only the rules stand before it.
        passwords["pgautofailover_monitor"] = "pgautofailover_monitor"
        let root = origin == .machine ? "\(cluster.directory)/.pgaf/ca.crt" : "/run/pgaf/ca.crt"
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
                origin == .machine ? ["127.0.0.1", "\(ports[attempt.server] ?? 0)"] : [attempt.server, "5432"]
            return (place + [attempt.user, attempt.database, password, attempt.mode, root]).joined(separator: "\t")
        }
        let words = words(origin)
        let result = try await cluster.runner.run(
            Command(
                words[0], Array(words.dropFirst()), input: Secret(lines.joined(separator: "\n") + "\n"),
                deadline: .seconds(600)))
        #expect(result.succeeded, "\(result.standardError)")
        return result.standardOutput.split(separator: "\n").map(String.init)
    }

    /// The monitor looks at a server by the only connection that its role may have: who hears of that has come in.
    private static func isIn(_ answer: String) -> Bool {
        answer == "in" || answer.contains("too many connections for role \"pgautofailover_monitor\"")
    }

    /// Tries everything from these origins, all of them at once, and compares it with what the page says.
    ///
    /// - Returns: the page's rows by each of which alone somebody got in.
    func check(_ words: String, from origins: [Origin]) async throws -> Set<AccessTable.Row> {
        let tries = try await withThrowingTaskGroup(of: (Origin, [(attempt: Attempt, answer: String)]).self) { group in
            for origin in origins {
                group.addTask {
                    let attempts = Self.attempts(origin)
                    let answers = try await tryAll(attempts, origin)
                    try #require(answers.count == attempts.count)
                    return (origin, zip(attempts, answers).map { ($0, $1) })
                }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        var proven: Set<AccessTable.Row> = []
        for origin in origins {
            let answered = tries[origin] ?? []
            for (attempt, answer) in answered {
                let rows = rows(for: attempt)
                #expect(Self.isIn(answer) == !rows.isEmpty, "\(words): \(attempt): \(answer)")
                if Self.isIn(answer), rows.count == 1 { proven.formUnion(rows) }
            }
            show(words, answered.filter { Self.isIn($0.answer) }.map(\.attempt), origin, answered.count)
        }
        return proven
    }

    private func show(_ words: String, _ entered: [Attempt], _ origin: Origin, _ tried: Int) {
        print("\(words), from \(origin.rawValue): \(entered.count) of \(tried) tries got in")
        for attempt in entered where [TestCluster.monitor, TestCluster.nodes[0]].contains(attempt.server) {
            print("| \(attempt.server) | \(attempt.user) | \(attempt.database) | \(attempt.mode) |")
        }
    }
}
