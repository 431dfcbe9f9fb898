import Shared

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The right to change one project directory: one pgaf-host at a time.
///
/// The lock is the kernel's (`flock`), so it ends with its holder however that dies; the file's text only tells the next
/// one who holds it.
final class ProjectLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock or fails at once.
    ///
    /// - Throws: `cluster.locked` with the holder's process id, verb and start time.
    init(_ project: ProjectDirectory, verb: String) throws {
        let descriptor = open(project.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw LocalFile.failure("lock", project.lock) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            defer { close(descriptor) }
            guard number == EWOULDBLOCK else { throw LocalFile.failure("lock", project.lock) }
            let holder = (try? LocalFile.read(project.lock)).flatMap { $0 }.map {
                String(decoding: $0, as: UTF8.self).trimmed
            }
            throw PgafError(
                .clusterLocked, "Another pgaf-host works in \(project.path): \(Self.shown(holder)).",
                remedy: "Wait until it has finished, then run the same command again.")
        }
        self.descriptor = descriptor
        do {
            guard ftruncate(descriptor, 0) == 0 else { throw LocalFile.failure("lock", project.lock) }
            let text = "pid \(getpid()), `pgaf-host \(verb)`, since \(Timestamp.now())\n"
            try LocalFile.append(Array(text.utf8), to: descriptor, path: project.lock)
        } catch {
            close(descriptor)
            throw error
        }
    }

    private static func shown(_ holder: String?) -> String {
        guard let holder, !holder.isEmpty else { return "it has not said who it is" }
        return TerminalText.clean(holder)
    }

    deinit { close(descriptor) }
}
