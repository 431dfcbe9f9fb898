import Shared

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The right to change one project directory: one pgaf-host at a time, in a run of its own.
struct ProjectLock: Sendable {
    /// The id of that run. It is made when the lock is taken and not when that was wished for, since runs sort by their
    /// ids and some wait for others.
    let run: String
    private let lock: FileLock

    /// Takes the lock; when `waiting`, after the one who holds it has finished, two hours at most.
    ///
    /// - Parameter say: told once whom it waits for.
    /// - Throws: `cluster.locked` with the holder's run, process id, verb and start time.
    static func take(
        _ project: ProjectDirectory, verb: String, waiting: Bool = false, say: (String) -> Void = { _ in }
    ) async throws -> ProjectLock {
        guard waiting else { return try await FileLock.soon { try now(project, verb: verb) } }
        if FileLock.isHeld(project.lock), let holder = FileLock.holder(project.lock) {
            say("waiting for the end of \(holder)")
        }
        let wait = Wait(
            for: "the other pgaf-host in \(project.path) to finish", upTo: .seconds(7200), every: .milliseconds(100),
            hint: "Follow it with `pgaf-host attach`.", code: .clusterLocked)
        return try await wait.until { try FileLock.attempt { try now(project, verb: verb) } }
    }

    /// The same at once or not at all.
    static func now(_ project: ProjectDirectory, verb: String) throws -> ProjectLock {
        let run = RunIdentifier.new()
        let lock = try FileLock(
            project.lock, subject: project.path,
            holder: "run \(run), pid \(getpid()), `pgaf-host \(verb)`, since \(Timestamp.now())",
            remedy: lastHolder(of: project)?.isFollowed == false
                ? "Wait for its end with `pgaf-host up --wait`."
                : "Follow it with `pgaf-host attach`, or wait for its end with `pgaf-host up --wait`.")
        return ProjectLock(run: run, lock: lock)
    }

    /// Whose run works on the directory now, if `attach` can follow it.
    static func followed(in project: ProjectDirectory) -> Holder? {
        guard FileLock.isHeld(project.lock), let holder = lastHolder(of: project), holder.isFollowed else { return nil }
        return holder
    }

    private static func lastHolder(of project: ProjectDirectory) -> Holder? {
        FileLock.holder(project.lock).flatMap(Holder.init(words:))
    }

    /// Who holds the lock, by the words in its file.
    struct Holder: Sendable, Equatable {
        var run: String
        /// `up`, `box build`.
        var verb: String

        /// nil for what are not the words of a holder.
        init?(words: String) {
            let parts = words.split(separator: "`")
            let program = "pgaf-host "
            run = String(words.dropFirst("run ".count).prefix { $0 != "," })
            guard RunIdentifier.isOne(run), parts.count == 3, parts[1].hasPrefix(program) else { return nil }
            verb = String(parts[1].dropFirst(program.count))
        }

        /// Whether its run goes to the machine; the others have none there.
        var isFollowed: Bool { !["box build", "bundle create"].contains(verb) }
    }
}
