import Synchronization

/// The largest number that was noted.
package final class Peak: Sendable {
    private let kept = Mutex(0)

    package init() {}

    package func note(_ number: Int?) {
        kept.withLock { $0 = max($0, number ?? 0) }
    }

    package var value: Int { kept.withLock { $0 } }
}
