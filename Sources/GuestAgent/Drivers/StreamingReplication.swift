import Shared

/// Which standbys the primary sends its write-ahead log to, as its own server tells it.
///
/// The monitor goes on calling a node a healthy secondary as long as its PostgreSQL runs, also where the data has left the
/// primary's history and the server waits for ever for what it cannot be sent.
struct StreamingReplication: Sendable {
    let psql: Psql

    /// pg_auto_failover names each standby's WAL sender after its row.
    static let query = "SELECT application_name FROM pg_stat_replication WHERE state IN ('streaming', 'catchup');"

    /// The rows with what the primary knows of each settled standby; as they were while no settled primary answers.
    func look(_ rows: [Monitor.Row]) async throws -> [Monitor.Row] {
        guard let primary = rows.first(where: { $0.isPrimary && $0.isSettled && $0.isHealthy }),
            rows.contains(where: \.isSettledStandby),
            let answer = try await psql.attempt(primary.name, Self.query)
        else { return rows }
        let receivers = Set(answer.split(separator: "\n").map(String.init))
        return rows.map { row in
            guard row.isSettledStandby else { return row }
            var row = row
            row.streams = receivers.contains("pgautofailover_standby_\(row.id)")
            return row
        }
    }
}

extension Monitor.Row {
    fileprivate var isSettledStandby: Bool { isSettled && !isPrimary }
}
