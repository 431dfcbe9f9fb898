import Foundation

/// A serial executor with one thread of its own, for actors whose work blocks in C.
///
/// libssh wants all calls of a session on one thread at a time and blocks in `poll`; on Swift's co-operative pool that
/// would hold up everything else, and `DispatchSerialQueue` does not exist on Linux.
/// `@unchecked Sendable`: the queue is only touched with the condition locked.
final class OwnThread: SerialExecutor, @unchecked Sendable {
    private let condition = NSCondition()
    private var jobs: [UnownedJob] = []
    private var farewell: (@Sendable () -> Void)?
    private var ends = false

    init(name: String) {
        // The thread keeps the executor alive until `finish`.
        let thread = Thread { [self] in work() }
        thread.name = name
        thread.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        condition.lock()
        jobs.append(job)
        condition.signal()
        condition.unlock()
    }

    /// Ends the thread after all work; called by the owning actor's `deinit`.
    ///
    /// - Parameter farewell: runs last on the thread, to free what belongs to it.
    func finish(_ farewell: @escaping @Sendable () -> Void = {}) {
        condition.lock()
        self.farewell = farewell
        ends = true
        condition.signal()
        condition.unlock()
    }

    private func work() {
        blockBrokenPipeSignal()
        while true {
            condition.lock()
            while jobs.isEmpty && !ends { condition.wait() }
            let batch = jobs
            jobs.removeAll()
            let farewell = batch.isEmpty ? self.farewell : nil
            condition.unlock()
            if batch.isEmpty {
                farewell?()
                return
            }
            for job in batch { job.runSynchronously(on: asUnownedSerialExecutor()) }
        }
    }

    /// Where there is no MSG_NOSIGNAL (macOS), a link that breaks while libssh sends would kill the whole program.
    private func blockBrokenPipeSignal() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }
}
