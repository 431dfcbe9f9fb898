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

/// Ctrl-C (and TERM, HUP) while something is done: the first is decided upon, a second in the meantime ends at once.
enum Interrupts {
    enum Decision: Sendable, Equatable {
        /// As if nothing had happened.
        case goOn
        /// The work has been told to end, and is waited for.
        case stopping
        /// The work is cancelled.
        case stop
    }

    /// Does the work; ends the process with status 130 on the second interrupt.
    ///
    /// - Parameters:
    ///   - decide: what a signal means.
    ///   - onSecond: told before the process ends.
    static func handling<Value: Sendable>(
        decide: @escaping @Sendable (Int32) async -> Decision, onSecond: @escaping @Sendable () -> Void,
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        let isDeciding = Mutex(false)
        let numbers = [SIGINT, SIGTERM, SIGHUP]
        let sources = numbers.map { number in
            // The source sees the signal only when the default action does not end the process first.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                let isSecond = isDeciding.withLock { isDeciding in
                    defer { isDeciding = true }
                    return isDeciding
                }
                guard isSecond else {
                    _ = continuation.yield(number)
                    return
                }
                onSecond()
                _exit(130)
            }
            source.resume()
            return source
        }
        defer {
            for source in sources { source.cancel() }
            for number in numbers { signal(number, SIG_DFL) }
        }
        return try await handling(
            stream,
            decide: { number in
                let decision = await decide(number)
                if decision == .goOn { isDeciding.withLock { $0 = false } }
                return decision
            }, work)
    }

    /// The same for a stream of signals, which a test can send.
    static func handling<Value: Sendable>(
        _ signals: AsyncStream<Int32>, decide: @escaping @Sendable (Int32) async -> Decision,
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await work() }
            group.addTask {
                for await signal in signals where await decide(signal) == .stop { break }
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
}
