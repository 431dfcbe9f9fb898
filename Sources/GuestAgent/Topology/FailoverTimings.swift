import Shared

/// How fast failures are noticed, resolved from the profile and the user's own values.
///
/// `default` leaves pg_auto_failover's own timings, `fast` is what measured 13 s instead of 52 s from SIGKILL of the
/// primary to the next write. On a slow machine `default` is patient: in an emulated one whose host was busy, every node
/// of a sound formation missed its health checks for more than 20 s, and the monitor gave up a primary that lived.
public struct FailoverTimings: Sendable, Equatable {
    /// GUCs of the monitor in milliseconds (retries: a count); empty where pg_auto_failover's default stands.
    public var monitorSettings: [(name: String, value: Int)]
    /// The keeper's `timeout.network_partition_timeout` in seconds.
    public var partitionTimeout: Int

    /// - Parameter isSlow: whether the machine is many times slower than today's, as an emulated one is.
    public init(_ settings: FailoverSettings, isSlow: Bool) {
        let fast = settings.profile == .fast
        let rows: [(name: String, own: Int?, quick: Int, patient: Int)] = [
            ("health_check_period", settings.healthCheckPeriod, 1000, 10_000),
            ("health_check_timeout", settings.healthCheckTimeout, 1000, 20_000),
            ("health_check_retry_delay", settings.healthCheckRetryDelay, 500, 2000),
            ("health_check_max_retries", settings.healthCheckMaxRetries, 2, 3),
            ("node_considered_unhealthy_timeout", settings.unhealthyAfter, 4000, 60_000),
            ("primary_demote_timeout", settings.demoteTimeout, 6000, 60_000),
            ("startup_grace_period", settings.startupGrace, 10_000, 60_000),
        ]
        monitorSettings = rows.compactMap { row in
            (row.own ?? (fast ? row.quick : isSlow ? row.patient : nil)).map { ("pgautofailover.\(row.name)", $0) }
        }
        partitionTimeout = settings.partitionTimeout ?? (fast ? 5 : isSlow ? 60 : Self.usualPartitionTimeout)
    }

    /// What pg_autoctl itself begins with, in seconds.
    public static let usualPartitionTimeout = 20

    /// The monitor's value of a setting, in milliseconds (retries: a count): what is set here, or the extension's own.
    public func value(_ name: Setting) -> Int {
        monitorSettings.first { $0.name == "pgautofailover.\(name.rawValue)" }?.value ?? name.usual
    }

    /// Settings of the monitor by their names in `pgautofailover.NAME`.
    public enum Setting: String, Sendable {
        case period = "health_check_period"
        case timeout = "health_check_timeout"
        case retryDelay = "health_check_retry_delay"
        case retries = "health_check_max_retries"
        case unhealthyAfter = "node_considered_unhealthy_timeout"
        case demoteTimeout = "primary_demote_timeout"

        /// What the extension begins with (pg_auto_failover's manual, "Configuring pg_auto_failover").
        var usual: Int {
            switch self {
            case .period, .timeout: 5000
            case .retryDelay: 2000
            case .retries: 2
            case .unhealthyAfter: 20_000
            case .demoteTimeout: 30_000
            }
        }
    }

    /// A primary that the monitor gives up must have given up itself by then, or two nodes take writes.
    ///
    /// - Throws: `configuration.conflict`.
    public func validate() throws {
        let demote = value(.demoteTimeout)
        guard demote < partitionTimeout * 1000 else { return }
        throw PgafError(
            .configurationConflict,
            "failover.demote_timeout is \(demote) ms, shorter than failover.partition_timeout, \(partitionTimeout) s.",
            remedy: "Make demote_timeout at least as long as partition_timeout in pgaf.yaml.")
    }

    public static func == (lhs: FailoverTimings, rhs: FailoverTimings) -> Bool {
        lhs.partitionTimeout == rhs.partitionTimeout
            && lhs.monitorSettings.elementsEqual(rhs.monitorSettings) { $0 == $1 }
    }
}
