import Shared
import Synchronization

/// Looks now and then, while something is waited for, at what would make the wait vain: an engine that is gone, a disk
/// that is full.
final class MachineWatch: Sendable {
    private let docker: Docker
    private let disk: DockerDisk
    private let container: String?
    private let needed: [String]
    private let start: ContinuousClock.Instant?
    private let rhythm: Rhythm
    private let patience: Duration
    private let goneSince = Mutex<ContinuousClock.Instant?>(nil)
    /// Which containers the look before this one found stopped.
    private let wereStopped = Mutex<Set<String>>([])

    /// - Parameters:
    ///   - container: whose last lines are read too.
    ///   - needed: others without which nothing comes of the wait.
    ///   - start: of the run, whose business earlier lines are not.
    ///   - patience: how long the engine may be away; whoever looks after it may be starting it again.
    init(
        docker: Docker, disk: DockerDisk, container: String?, needing needed: [String] = [],
        since start: ContinuousClock.Instant? = nil, every interval: Duration, patience: Duration
    ) {
        self.needed = Array(Set(needed + [container].compactMap(\.self))).sorted()
        self.start = start
        self.docker = docker
        self.disk = disk
        self.container = container
        self.patience = patience
        rhythm = Rhythm(every: interval)
    }

    /// - Throws: `disk.full`, `docker.unavailable`, `node.failed` for a container that nobody starts again.
    func look() async throws {
        guard rhythm.isDue() else { return }
        if let shortage = try await disk.shortage(of: container, since: start) { throw shortage }
        let answers = try await docker.engineVersion() != nil
        let away = goneSince.withLock { since -> Duration in
            let now = ContinuousClock.now
            since = answers ? nil : since ?? now
            return since.map { now - $0 } ?? .zero
        }
        if answers, !needed.isEmpty { try await lookAtContainers() }
        guard !answers, away >= patience else { return }
        throw PgafError(
            .dockerUnavailable, "The Docker engine has not answered for \(away.brief).",
            remedy: "Start it (`systemctl start docker` or `service docker start` on the machine), then run `up` again."
        )
    }

    /// Docker restarts containers that end by themselves, but not always those that ended with an engine that was killed.
    private func lookAtContainers() async throws {
        let stopped = try await docker.containers(needed).filter { ["exited", "dead"].contains($0.value.status) }
        let before = wereStopped.withLock { were in
            defer { were = Set(stopped.keys) }
            return were
        }
        guard let name = stopped.keys.filter(before.contains).min() else { return }
        throw PgafError(
            .nodeFailed, "The container \(name) is stopped, and Docker does not start it again.",
            remedy: "Run `up` again, which starts it; `docker logs \(name)` on the machine tells why it ended.")
    }
}
