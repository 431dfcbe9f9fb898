import Dispatch
import Shared
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Ctrl-C (and TERM, HUP) while `up` runs: the first asks the work to stop in order, the second ends at once.
enum Interrupts {
    /// Does the work; cancels it on the first interrupt, ends the process with status 130 on the second.
    ///
    /// - Parameters:
    ///   - onFirst: told before the work is cancelled.
    ///   - onSecond: told before the process ends.
    static func cancelling<Value: Sendable>(
        onFirst: @escaping @Sendable () -> Void, onSecond: @escaping @Sendable () -> Void,
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        let seen = Count()
        let numbers = [SIGINT, SIGTERM, SIGHUP]
        let sources = numbers.map { number in
            // The source sees the signal only when the default action does not end the process first.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                if seen.next() == 1 {
                    continuation.yield()
                } else {
                    onSecond()
                    _exit(130)
                }
            }
            source.resume()
            return source
        }
        defer {
            for source in sources { source.cancel() }
            for number in numbers { signal(number, SIG_DFL) }
        }
        return try await cancelling(on: stream, onFirst: onFirst, work)
    }

    /// The same for a stream of interrupts, which a test can send.
    static func cancelling<Value: Sendable>(
        on interrupts: AsyncStream<Void>, onFirst: @escaping @Sendable () -> Void,
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await work() }
            group.addTask {
                for await _ in interrupts {
                    onFirst()
                    return nil
                }
                return nil
            }
            defer { group.cancelAll() }
            while let next = try await group.next() {
                if let value = next { return value }
                // The interrupt came, or nobody can send one any more; only the first is a reason to stop.
                group.cancelAll()
            }
            throw CancellationError()
        }
    }

    private final class Count: Sendable {
        private let value = Mutex(0)

        func next() -> Int {
            value.withLock { value in
                value += 1
                return value
            }
        }
    }
}
