import Shared

/// A failover that pg_auto_failover 2.2 itself never ends: the former primary has reported `report_lsn` and is then sent to
/// `demote_timeout`, to which no node can go from there; the new one, which is promoted already, waits in
/// `stop_replication` for that, and the monitor's server crashes at their reports. Seen when all nodes come back at once
/// from a restart of the Docker engine.
struct StuckFailover: Sendable, Equatable {
    /// The former primary, whose server takes no writes any more.
    var former: String
    /// The promoted node.
    var next: String

    /// - Returns: nil unless both stand where neither can go on.
    init?(_ rows: [Monitor.Row]) {
        guard let former = rows.first(where: { $0.reported == "report_lsn" && $0.assigned == "demote_timeout" }),
            let next = rows.first(where: { $0.reported == "stop_replication" && $0.assigned == "stop_replication" })
        else { return nil }
        self.former = former.name
        self.next = next.name
    }

    /// Assigns both the states that follow: the monitor goes on by itself from there. Changes nothing where they have moved
    /// meanwhile.
    var resolution: String {
        """
        BEGIN;
        UPDATE pgautofailover.node SET goalstate = 'join_secondary' WHERE nodename = \(SQL.literal(former))
            AND reportedstate = 'report_lsn' AND goalstate = 'demote_timeout';
        UPDATE pgautofailover.node SET goalstate = 'wait_primary' WHERE nodename = \(SQL.literal(next))
            AND reportedstate = 'stop_replication' AND goalstate = 'stop_replication';
        COMMIT;
        """
    }
}
