import Synchronization

/// Tells when something that costs much is due again within a wait that looks often.
final class Rhythm: Sendable {
    private let pause: Duration
    private let next = Mutex<ContinuousClock.Instant?>(nil)

    /// - Parameter pause: before the first time too.
    init(every pause: Duration) { self.pause = pause }

    func isDue() -> Bool {
        next.withLock { next in
            let now = ContinuousClock.now
            defer { if next.map({ now >= $0 }) ?? true { next = now + pause } }
            return next.map { now >= $0 } ?? false
        }
    }
}
