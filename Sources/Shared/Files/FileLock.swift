import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The right to do something alone, for as long as the value lives.
///
/// The lock is the kernel's (`flock`), so it ends with its holder however that dies; the file's text only tells the
/// next one who holds it.
public final class FileLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock or fails at once.
    ///
    /// - Parameters:
    ///   - path: the lock file; made with mode 0600.
    ///   - subject: completes "Another … works on": `the cluster "pgaf"`.
    ///   - holder: how others will see who holds it: run, process id, start time.
    ///   - remedy: what somebody can do who finds it taken.
    /// - Throws: `cluster.locked` with the holder's words; `file.failed`, `disk.full`.
    public init(
        _ path: String, subject: String, holder: String,
        remedy: String = "Wait until it has finished, then run the same command again."
    ) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure(path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            defer { close(descriptor) }
            guard errno == EWOULDBLOCK else { throw Self.failure(path) }
            let words = Self.holder(path) ?? ""
            throw PgafError(
                .clusterLocked, "Somebody else works on \(subject): \(words.isEmpty ? "it has not said who" : words).",
                remedy: remedy)
        }
        self.descriptor = descriptor
        let text = Array("\(holder)\n".utf8)
        guard ftruncate(descriptor, 0) == 0, write(descriptor, text, text.count) == text.count else {
            let failure = Self.failure(path)
            close(descriptor)
            throw failure
        }
    }

    /// Takes a lock at once, or within the two seconds that a holder who has just ended may take to be gone everywhere.
    ///
    /// - Parameter take: one try, which returns the lock or what holds it.
    /// - Throws: what the last try throws.
    public static func soon<Lock: Sendable>(_ take: @Sendable () throws -> Lock) async throws -> Lock {
        let grace = Wait(for: "the lock", upTo: .seconds(2), every: .milliseconds(50), hint: "")
        let lock = try? await grace.until { (try? take()).map { .found($0) } ?? .notYet("it is held") }
        return try lock ?? take()
    }

    /// One try as an observation: a holder is to be waited for, anything else is an error.
    public static func attempt<Lock: Sendable>(_ take: () throws -> Lock) throws -> Wait.Observation<Lock> {
        do {
            return .found(try take())
        } catch let error as PgafError where error.code == .clusterLocked {
            return .notYet(error.message)
        }
    }

    /// Whether a living process holds this lock; asking does not disturb it.
    public static func isHeld(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // A shared lock that is given back at once: two who ask at the same time do not take each other for a holder.
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    /// What the last holder wrote; nil when there is no such file.
    public static func holder(_ path: String) -> String? { ((try? MachineFiles().read(path)) ?? nil)?.trimmed }

    deinit {
        // Said, since a child that is just being started has a copy of the descriptor for a moment.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    private static func failure(_ path: String) -> PgafError { .file(Errno(rawValue: errno), "lock", path) }
}
