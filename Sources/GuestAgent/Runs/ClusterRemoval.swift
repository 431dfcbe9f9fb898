import Shared

/// Removes a cluster from the machine: everything that carries its label, and its memory.
public struct ClusterRemoval: Sendable {
    let runner: any CommandRunner
    let store: ClusterStore

    public init(runner: any CommandRunner, store: ClusterStore) {
        self.runner = runner
        self.store = store
    }

    private var engine: DockerEngine { DockerEngine(runner: runner, files: store.files) }

    /// What `remove` would take away, one line a thing. An engine that is stopped is started: otherwise it would bring
    /// the cluster back some day, after its passwords were forgotten.
    ///
    /// - Throws: `docker.unavailable` when it does not start.
    public func summary(_ cluster: String) async throws -> [String] {
        guard try await engine.isAvailable() else { return [] }
        let docker = Docker(runner: runner)
        var lines: [String] = []
        for kind in ["container", "volume", "network"] {
            lines += try await docker.labelled(kind, cluster: cluster).map { "\(kind) \($0)" }
        }
        return lines
    }

    /// - Returns: what was removed.
    @discardableResult
    public func remove(_ cluster: String) async throws -> [String] {
        let docker = Docker(runner: runner)
        var removed: [String] = []
        if try await engine.isAvailable() {
            let removals = [
                ("container", ["rm", "--force"]), ("volume", ["volume", "rm"]), ("network", ["network", "rm"]),
            ]
            for (kind, arguments) in removals {
                for name in try await docker.labelled(kind, cluster: cluster) {
                    try await docker.checked(arguments + [name])
                    removed.append("\(kind) \(name)")
                }
            }
        }
        if store.files.exists(store.directory(cluster)) {
            try store.remove(cluster)
            removed.append("the memory of the cluster \"\(cluster)\" with its passwords")
        }
        return removed
    }
}
