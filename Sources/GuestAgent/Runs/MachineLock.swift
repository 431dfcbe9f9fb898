import Shared

/// The right to change clusters on this machine: one run or verb at a time.
struct MachineLock: Sendable {
    let store: ClusterStore
    /// Who takes it, as others will read it: `run ID`, "`pgaf-agent prepare`".
    let holder: String

    private static let path = "\(RunPlace.runtimeRoot)/lock"

    /// Who holds it now, in their own words; nil when nobody does.
    var currentHolder: String? {
        let path = store.files.place(Self.path)
        return FileLock.isHeld(path) ? FileLock.holder(path) : nil
    }

    /// The run that holds it now; nil when none does, or somebody who is no run.
    static func currentRun(_ store: ClusterStore) -> String? {
        let words = MachineLock(store: store, holder: "").currentHolder?.split { $0 == " " || $0 == "," } ?? []
        guard words.first == "run", words.count > 1, RunIdentifier.isOne(String(words[1])) else { return nil }
        return String(words[1])
    }

    /// Takes the lock; it is free again when the value is gone or its process is dead.
    ///
    /// - Throws: `cluster.locked` with holder and start time.
    func take() async throws -> FileLock { try await FileLock.soon { try now() } }

    /// The same at once or not at all.
    func now() throws -> FileLock {
        try store.files.makeDirectory(RunPlace.runtimeRoot)
        return try FileLock(
            store.files.place(Self.path), subject: "this machine", holder: "\(holder), since \(Timestamp.now())",
            remedy: "Follow it with `pgaf-host attach` (`pgaf-agent follow` on the machine), or wait for its end with"
                + " `pgaf-host up --wait`.")
    }

    /// The same; when `waiting`, after the one who holds it has finished, two hours at most.
    ///
    /// - Parameter stop: ends the wait.
    /// - Throws: `cancelled` too.
    func take(waiting: Bool, _ events: EventWriter, stop: StopSign = StopSign()) async throws -> FileLock {
        guard waiting else { return try await take() }
        let wait = Wait(
            for: "whoever works on this machine to finish", upTo: .seconds(7200), every: .milliseconds(500),
            hint: "Follow it with `pgaf-host attach`.", code: .clusterLocked)
        return try await events.wait(wait, step: nil) {
            if stop.isRaised {
                throw PgafError(
                    .cancelled, "The run was cancelled while it waited for its turn; nothing was changed.",
                    remedy: "Run the same command again.")
            }
            return try FileLock.attempt(now)
        }
    }
}
