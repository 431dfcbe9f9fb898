import FoundationEssentials
import Shared

/// The formation as the monitor knows it, read with SQL in the monitor's container.
public struct Monitor: Sendable {
    public static let database = "pg_auto_failover"
    let container: String
    let psql: Psql

    public init(container: String, psql: Psql) {
        self.container = container
        self.psql = psql
    }

    /// One row of `pgautofailover.node`.
    public struct Row: Sendable, Decodable, Equatable {
        public var id: Int
        public var name: String
        public var host: String
        public var port: Int
        public var reported: String
        public var assigned: String
        public var health: Int
        /// Whether the node's PostgreSQL ran when it reported last.
        public var running: Bool
        public var lsn: String
        public var timeline: Int
        public var priority: Int
        public var quorum: Bool
        /// When the node reported last, by the monitor's clock, in seconds since 1970.
        public var reportTime: Double
        /// When the node reported last, or the monitor looked at it last if that is longer ago; in UTC, in the form of
        /// Docker's times.
        var seen: String
        /// Seconds since its state was assigned.
        var sinceAssigned: Int
        /// Whether the primary sends it its log, for a settled standby; nil where nobody has asked
        /// (`StreamingReplication`).
        var streams: Bool?

        /// Whether the node has reached what was asked of it and plays its part. One whose PostgreSQL does not run is about
        /// to be assigned another state.
        public var isSettled: Bool {
            // A primary whose standbys are away waits for them as long as that takes.
            reported == assigned && running && (NodeState.lasting.contains(reported) || reported == "wait_primary")
        }
        /// Whether it takes writes, as it says itself.
        public var isPrimary: Bool { NodeState.takingWrites.contains(reported) }
        public var isHealthy: Bool { health == 1 }
        /// Whether somebody has taken the node out of service.
        public var isInMaintenance: Bool { reported == "maintenance" && assigned == "maintenance" }

        /// The row without what it says of health where that is about an earlier life: right after a restart the monitor
        /// goes on calling a node healthy that it has not seen since.
        ///
        /// - Parameter start: when the node's container or the monitor's started last, as Docker tells it; nil where that is
        ///   not known.
        func asSeen(since start: String?) -> Row {
            guard let start, seen < start else { return self }
            var row = self
            row.health = -1
            return row
        }
    }

    static let rowsQuery = """
        SELECT coalesce(json_agg(json_build_object('id', nodeid, 'name', nodename, 'host', nodehost, 'port', nodeport,
            'reported', reportedstate, 'assigned', goalstate, 'health', health,
            'running', coalesce(reportedpgisrunning, true), 'lsn', reportedlsn, 'timeline', reportedtli, 'priority', candidatepriority, 'quorum', replicationquorum,
            'reportTime', extract(epoch FROM reporttime),
            'seen', to_char(least(reporttime, healthchecktime) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
            'sinceAssigned', extract(epoch FROM clock_timestamp() - statechangetime)::int) ORDER BY nodeid), '[]')
        FROM pgautofailover.node;
        """

    /// All registered nodes; nil while the monitor does not answer.
    public func rows() async throws -> [Row]? {
        guard let text = try await psql.attempt(container, database: Self.database, Self.rowsQuery) else { return nil }
        return try JSONDecoder().decode([Row].self, from: Data(text.utf8))
    }

    /// All registered nodes, where not to know them is no answer.
    ///
    /// - Throws: `monitor.failed` when the monitor does not answer.
    func knownRows() async throws -> [Row] {
        if let rows = try await rows() { return rows }
        throw PgafError(
            .monitorFailed, "The monitor \(container) does not answer.",
            remedy: "Look at `docker logs \(container)` on the machine, then run `up` again.")
    }

    /// The monitor's clock, in seconds since 1970; an error when the monitor does not answer.
    public func time() async throws -> Double {
        let text = try await psql.checked(
            container, database: Self.database, "SELECT extract(epoch FROM clock_timestamp());", code: .monitorFailed,
            what: "The monitor does not answer.")
        return Double(text) ?? 0
    }

    /// Forgets a node at once, whatever it does: only for one that cannot say goodbye itself.
    public func forget(_ name: String) async throws {
        try await remove(name, force: true, what: "The monitor could not forget the node \(name).")
    }

    /// Lets a failover go on that stands still.
    ///
    /// - Returns: whether the monitor took it; it may be starting again just now.
    func resolve(_ failover: StuckFailover) async throws -> Bool {
        try await psql.attempt(container, database: Self.database, failover.resolution) != nil
    }

    /// Asks a node to leave; it is gone from the rows once it has confirmed.
    public func dismiss(_ name: String) async throws {
        try await remove(
            name, force: false, what: "The monitor could not take the node \(name) out of the formation.")
    }

    private func remove(_ name: String, force: Bool, what: String) async throws {
        try await order(
            "SELECT pgautofailover.remove_node(nodeid, \(force)) FROM pgautofailover.node"
                + " WHERE nodename = \(SQL.literal(name));", what: what)
    }

    /// Orders a failover: another node than the present primary becomes primary.
    public func performFailover() async throws {
        try await order(
            "SELECT pgautofailover.perform_failover('default', 0);", what: "The monitor could not order a failover.")
    }

    /// Orders a failover to one node.
    public func performPromotion(of name: String) async throws {
        try await order(
            "SELECT pgautofailover.perform_promotion('default', \(SQL.literal(name)));",
            what: "The monitor could not order the promotion of \(name).")
    }

    /// Takes a node out of service, or lets it come back; a primary hands over first.
    func setMaintenance(_ name: String, _ isOn: Bool) async throws {
        try await order(
            "SELECT pgautofailover.\(isOn ? "start" : "stop")_maintenance(nodeid) FROM pgautofailover.node"
                + " WHERE nodename = \(SQL.literal(name));",
            what: "The monitor could not \(isOn ? "begin" : "end") the maintenance of \(name).")
    }

    /// - Throws: `monitor.failed`.
    private func order(_ sql: String, what: String) async throws {
        try await Deadlock.outlived {
            try await psql.checked(container, database: Self.database, sql, code: .monitorFailed, what: what)
        }
    }

    /// How many standbys have to confirm each commit; nil while the monitor does not answer.
    func numberSyncStandbys() async throws -> Int? {
        try await psql.attempt(
            container, database: Self.database,
            "SELECT number_sync_standbys FROM pgautofailover.formation WHERE formationid = 'default';"
        ).flatMap { Int($0) }
    }

    /// - Throws: `monitor.failed`, also when the formation has too few standbys for that.
    func setNumberSyncStandbys(_ number: Int) async throws {
        try await order(
            "SELECT pgautofailover.set_formation_number_sync_standbys('default', \(number));",
            what: "The monitor could not set number_sync_standbys to \(number).")
    }

    /// What the monitor itself says `synchronous_standby_names` should be.
    public func synchronousStandbyNames() async throws -> String? {
        try await psql.attempt(
            container, database: Self.database, "SELECT pgautofailover.synchronous_standby_names('default', 0);")
    }
}
