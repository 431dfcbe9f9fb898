import Shared
import Synchronization

/// Looks now and then, while something is waited for, at what would make the wait vain: an engine that is gone, a disk
/// that is full.
final class MachineWatch: Sendable {
    private let docker: Docker
    private let disk: DockerDisk
    private let container: String?
    private let rhythm: Rhythm
    private let patience: Duration
    private let goneSince = Mutex<ContinuousClock.Instant?>(nil)

    /// - Parameters:
    ///   - container: whose last lines are read too.
    ///   - patience: how long the engine may be away; whoever looks after it may be starting it again.
    init(docker: Docker, disk: DockerDisk, container: String?, every interval: Duration, patience: Duration) {
        self.docker = docker
        self.disk = disk
        self.container = container
        self.patience = patience
        rhythm = Rhythm(every: interval)
    }

    /// - Throws: `disk.full`, `docker.unavailable`.
    func look() async throws {
        guard rhythm.isDue() else { return }
        if let shortage = try await disk.shortage(of: container) { throw shortage }
        let answers = try await docker.engineVersion() != nil
        let away = goneSince.withLock { since -> Duration in
            let now = ContinuousClock.now
            since = answers ? nil : since ?? now
            return since.map { now - $0 } ?? .zero
        }
        guard !answers, away >= patience else { return }
        throw PgafError(
            .dockerUnavailable, "The Docker engine has not answered for \(away.brief).",
            remedy: "Start it (`systemctl start docker` or `service docker start` on the machine), then run `up` again."
        )
    }
}
