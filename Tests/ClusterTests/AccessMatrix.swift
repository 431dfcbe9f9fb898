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

    private static func attempts(_ origin: Origin) -> [AccessAttempt] {
        zip(TestCluster.containers, [TestCluster.monitorPort] + TestCluster.ports).flatMap { server, port in
            AccessAttempt.all(
                on: server, isMonitor: server == TestCluster.monitor, at: origin == .machine ? "127.0.0.1" : server,
                origin == .machine ? port : 5432)
        }
    }

    /// The command that is a bash at an origin.
    private func shell(_ origin: Origin) -> [String] {
        switch origin {
        case .machine: ["bash"]
        case .monitor: ["docker", "exec", "--interactive", "--user", "postgres", TestCluster.monitor, "bash"]
        // The container that tries is one of nobody: the image, the network, and the certificate to check servers by.
        case .network, .neighbour:
            [
                "docker", "run", "--rm", "--interactive", "--network", "pgaf_test_net", "--ip",
                "\(address(of: origin))", "--volume", "\(cluster.directory)/.pgaf/ca.crt:/run/pgaf/ca.crt:ro",
                "--entrypoint", "bash", "pgaf/pg_auto_failover:latest",
            ]
        }
    }

    /// The server's words for whom it does not let in, and psql's where it asks for a password that nobody gave; whoever
    /// hears another failure was not refused.
    private static let refusals = ["pg_hba.conf rejects", "password authentication failed", "no password supplied"]

    /// Tries everything from these origins, all of them at once, and compares it with what the page says.
    ///
    /// - Returns: the page's rows by each of which alone somebody got in.
    func check(_ words: String, from origins: [Origin]) async throws -> Set<AccessTable.Row> {
        let tries = try await withThrowingTaskGroup(
            of: (Origin, [(attempt: AccessAttempt, answer: String)]).self
        ) { group in
            for origin in origins {
                group.addTask {
                    let attempts = Self.attempts(origin)
                    let answers = try await cluster.answers(
                        to: attempts, from: shell(origin),
                        authority: origin == .machine ? "\(cluster.directory)/.pgaf/ca.crt" : "/run/pgaf/ca.crt")
                    return (origin, zip(attempts, answers).map { ($0, $1) })
                }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        var proven: Set<AccessTable.Row> = []
        for origin in origins {
            let answered = tries[origin] ?? []
            for (attempt, answer) in answered {
                let rows = table.rows(for: attempt, from: places(of: origin), clientUser: user)
                let isIn = AccessAttempt.isIn(answer)
                #expect(isIn == !rows.isEmpty, "\(words), from \(origin.rawValue): \(attempt): \(answer)")
                #expect(
                    isIn || Self.refusals.contains { answer.contains($0) },
                    "nobody refused it: \(words), from \(origin.rawValue): \(attempt): \(answer)")
                if isIn, rows.count == 1 { proven.formUnion(rows) }
            }
            show(words, answered.filter { AccessAttempt.isIn($0.answer) }.map(\.attempt), origin, answered.count)
        }
        return proven
    }

    private func show(_ words: String, _ entered: [AccessAttempt], _ origin: Origin, _ tried: Int) {
        print("\(words), from \(origin.rawValue): \(entered.count) of \(tried) tries got in")
        for attempt in entered where [TestCluster.monitor, TestCluster.nodes[0]].contains(attempt.server) {
            print("| \(attempt.server) | \(attempt.user) | \(attempt.database) | \(attempt.mode) |")
        }
    }
}
