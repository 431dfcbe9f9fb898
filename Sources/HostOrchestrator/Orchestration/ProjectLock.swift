import Shared

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The right to change one project directory: one pgaf-host at a time.
enum ProjectLock {
    /// Takes the lock; when `waiting`, after the one who holds it has finished, two hours at most.
    ///
    /// - Throws: `cluster.locked` with the holder's process id, verb and start time.
    static func take(_ project: ProjectDirectory, verb: String, waiting: Bool = false) async throws -> FileLock {
        guard waiting else { return try await FileLock.soon { try now(project, verb: verb) } }
        let wait = Wait(
            for: "the other pgaf-host in \(project.path) to finish", upTo: .seconds(7200), every: .milliseconds(100),
            hint: "Follow it with `pgaf-host attach`.", code: .clusterLocked)
        return try await wait.until { try FileLock.attempt { try now(project, verb: verb) } }
    }

    /// The same at once or not at all.
    static func now(_ project: ProjectDirectory, verb: String) throws -> FileLock {
        try FileLock(
            project.lock, subject: project.path,
            holder: "pid \(getpid()), `pgaf-host \(verb)`, since \(Timestamp.now())",
            remedy: "Follow it with `pgaf-host attach`, or wait for its end with `pgaf-host up --wait`.")
    }
}
