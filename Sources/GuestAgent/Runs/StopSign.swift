import Synchronization

/// A wish from outside that a run end: it begins no further step, and those that it is in come to their end.
public final class StopSign: Sendable {
    private let raised = Mutex(false)

    public init() {}

    public func raise() { raised.withLock { $0 = true } }

    public var isRaised: Bool { raised.withLock { $0 } }
}
