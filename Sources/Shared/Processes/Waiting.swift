extension Duration {
    /// The duration in words for people: `340 ms`, `4.1 s`, `3 min 20 s`.
    public var brief: String {
        let seconds = self.inSeconds
        if seconds < 1 { return "\(Int((seconds * 1000).rounded())) ms" }
        if seconds < 60 {
            let tenths = Int((seconds * 10).rounded())
            return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
        }
        let whole = Int(seconds.rounded())
        return whole % 60 == 0 ? "\(whole / 60) min" : "\(whole / 60) min \(whole % 60) s"
    }

    /// The duration as a number of seconds.
    public var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}

/// A wait for a condition: what is awaited, until when, how often to look, and what to say when it does not come.
public struct Wait: Sendable {
    /// Completes the sentence "waiting for …".
    public var description: String
    public var deadline: Duration
    /// The pause between two looks.
    public var interval: Duration
    /// Where the pause grows: it doubles after each look, up to this.
    public var longestInterval: Duration?
    /// Whether the pause is at least as long as the look itself took, so that a slow machine does not spend itself on
    /// being looked at.
    public var sparing: Bool
    /// Remedy of the error that the deadline raises.
    public var hint: String
    /// Code of that error.
    public var code: ErrorCode

    public init(
        for description: String, upTo deadline: Duration, every interval: Duration = .milliseconds(200),
        growingTo longestInterval: Duration? = nil, sparing: Bool = false, hint: String, code: ErrorCode = .timeout
    ) {
        self.description = description
        self.deadline = deadline
        self.interval = interval
        self.longestInterval = longestInterval
        self.sparing = sparing
        self.hint = hint
        self.code = code
    }

    /// Looks until `condition` returns a value.
    ///
    /// - Parameters:
    ///   - onWaiting: told after each look that found nothing: what is awaited and for how long already.
    ///   - condition: one look: the awaited value, or the reason why it is not there yet (shown in the error).
    /// - Throws: `PgafError` with `code` after the deadline, `CancellationError`, and what `condition` throws.
    public func until<Value: Sendable>(
        onWaiting: (@Sendable (Wait, Duration) async -> Void)? = nil,
        _ condition: @Sendable () async throws -> Observation<Value>
    ) async throws -> Value {
        // What sleeps together with its machine has not waited in vain.
        let clock = SuspendingClock()
        let start = clock.now
        var interval = interval
        while true {
            try Task.checkCancellation()
            let reason: String
            let looked = clock.now
            switch try await condition() {
            case .found(let value): return value
            case .notYet(let why): reason = why
            }
            let elapsed = clock.now - start
            let pause = sparing ? max(interval, clock.now - looked) : interval
            guard elapsed < deadline else {
                throw PgafError(
                    code, "Waited \(deadline.brief) for \(description), in vain.", remedy: hint,
                    cause: reason.isEmpty ? nil : reason)
            }
            await onWaiting?(self, elapsed)
            try await clock.sleep(for: min(pause, deadline - elapsed))
            if let longestInterval { interval = min(interval * 2, longestInterval) }
        }
    }

    /// What one look found.
    public enum Observation<Found: Sendable>: Sendable {
        case found(Found)
        case notYet(String)
    }
}
