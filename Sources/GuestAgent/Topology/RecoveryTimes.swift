import Shared

/// How long a formation normally takes from one state to the next, from the timings by which it notices failures.
///
/// Where pg_auto_failover waits for a setting the number is that setting. What is work depends on the machine: a node
/// that was killed was back after 2.3 s on a fast machine and after 68 s on an emulated one.
struct RecoveryTimes: Sendable, Equatable {
    /// A container's start until pg_autoctl reports from it.
    let start: Span
    /// What the monitor assigned until the keeper has done it and said so; keepers look once a second.
    let turn: Span
    /// A node that is there until the monitor has seen it healthy.
    let seen: Span
    /// A node that is gone until the monitor gives it up.
    let givenUp: Span
    /// The time that a lost primary is given to stop by itself.
    let demoted: Span
    /// A copy of a small database, with the checkpoint before it (8 s) where nobody hastens that.
    let copy: Span

    init(_ timings: FailoverTimings, isSlow: Bool) {
        let slowness = isSlow ? 15 : 1
        start = Span(2, 5) * slowness
        turn = Span(1, 2) * slowness
        copy = Span(3, 15) * slowness
        let (period, timeout) = (timings.value(.period), timings.value(.timeout))
        seen = Span(milliseconds: 0, period + timeout)
        let retries = timings.value(.retries)
        let longestLook = timeout * (retries + 1) + timings.value(.retryDelay) * retries
        let unhealthy = timings.value(.unhealthyAfter)
        givenUp = Span(milliseconds: unhealthy, unhealthy + period + longestLook)
        let demote = timings.value(.demoteTimeout)
        demoted = Span(milliseconds: demote, demote)
    }

    /// Up to date and healthy, until the monitor counts it as a secondary.
    var caughtUp: Span { seen + turn * 2 }
    /// From the start of its container to its place as a secondary.
    var comesBack: Span { start + caughtUp }
    /// A chosen standby until it takes writes: the old primary may have to be waited for.
    var promotion: Span { Span(0, demoted.most) + turn * 3 }
    /// From the loss of the primary until another node takes writes.
    var failover: Span { givenUp + demoted + turn * 3 }

    /// Seconds, at least and at most.
    struct Span: Sendable, Equatable {
        var least: Int
        var most: Int

        init(_ least: Int, _ most: Int) {
            self.least = least
            self.most = most
        }

        /// Milliseconds, rounded up.
        init(milliseconds least: Int, _ most: Int) { self.init((least + 999) / 1000, (most + 999) / 1000) }

        static func + (left: Span, right: Span) -> Span { Span(left.least + right.least, left.most + right.most) }
        static func * (span: Span, factor: Int) -> Span { Span(span.least * factor, span.most * factor) }

        /// "normally 10 to 30 s".
        var words: String { least == most ? "normally \(most) s" : "normally \(least) to \(most) s" }
    }
}
