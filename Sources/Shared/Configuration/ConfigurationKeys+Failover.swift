/// Keys that decide how fast a failure is noticed; each overrides one value of the profile.
extension ConfigurationKeys {
    static let failover: [ConfigurationKey<Configuration>] = [
        .init(
            "failover.profile", \.failover.profile, .choice,
            "`default` writes again about 52 s after the primary was killed (minutes on an emulated machine), `fast`"
                + " after about 13 s."),
        .init(
            "failover.health_check_period", \.failover.healthCheckPeriod, time(100...600_000),
            "Time between two health checks of a node."),
        .init(
            "failover.health_check_timeout", \.failover.healthCheckTimeout, time(100...600_000),
            "Time after which a health check has failed."),
        .init(
            "failover.health_check_retry_delay", \.failover.healthCheckRetryDelay, time(50...600_000),
            "Time before a failed health check is tried again."),
        .init(
            "failover.health_check_max_retries", \.failover.healthCheckMaxRetries,
            ValueKind.integer(1...100).optional(),
            "How often a failed health check is tried again."),
        .init(
            "failover.unhealthy_after", \.failover.unhealthyAfter, time(500...3_600_000),
            "Time without contact after which a node counts as unhealthy."),
        .init(
            "failover.demote_timeout", \.failover.demoteTimeout, time(1000...3_600_000),
            "Time that a lost primary is given to stop by itself; at least failover.partition_timeout."),
        .init(
            "failover.startup_grace", \.failover.startupGrace, time(500...3_600_000),
            "Time after the monitor's start in which no node counts as unhealthy."),
        .init(
            "failover.partition_timeout", \.failover.partitionTimeout, ValueKind.wholeSeconds.optional(),
            "Time after which a primary that sees neither monitor nor standbys stops itself; whole seconds."),
    ]

    private static func time(_ range: ClosedRange<Int>) -> ValueKind<Int?> { ValueKind.milliseconds(range).optional() }
}

extension ValueKind where Value == Int {
    /// Whole seconds, written like every other time.
    fileprivate static var wholeSeconds: ValueKind {
        let words = "whole seconds from 1s to 60min, as milliseconds or as 5000ms, 5s, 1min"
        return ValueKind(
            words: words,
            parse: { node in
                guard let time = node.plainText.flatMap(DurationText.milliseconds), time % 1000 == 0 else { return nil }
                return time / 1000
            }, complaint: { (1...3600).contains($0) ? nil : "must be \(words)" },
            render: { DurationText.render($0 * 1000) })
    }
}
