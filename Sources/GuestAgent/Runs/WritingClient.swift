import Shared
import Synchronization

/// A client that writes one row again and again, to whichever node takes it, and notes when it was acknowledged.
///
/// It comes as an application's pooler in the cluster's network would: over TCP, with TLS and a password, to all nodes at
/// once (`target_session_attrs=read-write`), in a connection that it keeps and makes anew when it breaks. It lives in the
/// monitor's container, which survives whatever happens to the nodes and has the password in a file.
final class WritingClient: Sendable {
    private let psql: Psql
    private let container: String
    private let connection: String
    private let statement: String
    private let pause: Duration
    /// After a write that failed: connecting again costs a new program each time.
    private let longPause: Duration
    private let acknowledged = Mutex<[ContinuousClock.Instant]>([])

    /// - Parameters:
    ///   - psql: with sessions of its own, where it has any, since a lost connection holds one up.
    ///   - primary: tried last: once it is gone, nobody waits for it before the next one is found.
    init(psql: Psql, topology: ClusterTopology, primary: String, run: String) {
        self.psql = psql
        container = topology.configuration.monitor.name
        connection = Self.connection(topology, last: primary)
        statement = VerifyStep.writeRow(run, as: .client)
        pause = .milliseconds(topology.facts.isSlow ? 500 : 25)
        longPause = .milliseconds(topology.facts.isSlow ? 3000 : 100)
    }

    /// How it connects, as libpq reads it. Addresses stand beside the names, since a name of a container that is gone is
    /// asked for outside, which may take long.
    static func connection(_ topology: ClusterTopology, last primary: String) -> String {
        let nodes =
            topology.configuration.nodes.filter { $0.name != primary }
            + topology.configuration.nodes.filter { $0.name == primary }
        let patience = topology.facts.isSlow ? 20 : 2
        return [
            "host=" + nodes.map(\.effectiveHostname).joined(separator: ","),
            "hostaddr=" + nodes.map { topology.address($0.name).description }.joined(separator: ","),
            "port=\(ContainerLayout.port)", "user=postgres", "dbname=postgres",
            "passfile=\(ContainerLayout.passwordFile)",
            "sslmode=verify-full", "sslrootcert=\(ContainerLayout.authority)", "target_session_attrs=read-write",
            "connect_timeout=\(patience)", "tcp_user_timeout=\(patience * 1000)", "application_name=pgaf",
        ].joined(separator: " ")
    }

    /// Writes until the task is cancelled.
    func write() async {
        while !Task.isCancelled {
            let trouble = await attempt()
            // The client's own pace; nothing waits for it.
            try? await Task.sleep(for: trouble == nil ? pause : longPause)
        }
    }

    /// One write, which counts when it is acknowledged.
    ///
    /// - Returns: why it was not acknowledged; nil when it was.
    func attempt() async -> String? {
        do {
            let result = try await psql.run(container, database: connection, statement, deadline: .seconds(30))
            guard result.succeeded else { return result.lastLines(3).joined(separator: "; ") }
            acknowledged.withLock { $0.append(.now) }
            return nil
        } catch {
            return PgafError.wrapping(error, doing: "writing").message
        }
    }

    /// How many writes were acknowledged so far.
    var count: Int { acknowledged.withLock { $0.count } }

    /// The longest time between two acknowledged writes, and the usual one.
    var pauses: (longest: Duration, usual: Duration) {
        let times = acknowledged.withLock { $0 }
        let pauses = zip(times, times.dropFirst()).map { $1 - $0 }.sorted()
        return (pauses.last ?? .zero, pauses.isEmpty ? .zero : pauses[pauses.count / 2])
    }
}
