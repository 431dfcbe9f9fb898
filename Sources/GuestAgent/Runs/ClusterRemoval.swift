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
    /// - Throws: `docker.foreign-object` before anything is removed.
    @discardableResult
    public func remove(_ cluster: String) async throws -> [String] {
        let docker = Docker(runner: runner)
        var removed: [String] = []
        if try await engine.isAvailable() {
            try await refuseGuests(cluster, docker)
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

    /// A network stays for as long as a running container of somebody else's, such as a pooler, is connected to it: that
    /// would come out only after the data is gone.
    private func refuseGuests(_ cluster: String, _ docker: Docker) async throws {
        let own = Set(try await docker.labelled("container", cluster: cluster))
        for network in try await docker.labelled("network", cluster: cluster) {
            let guests = try await docker.containers(inNetwork: network).filter { !own.contains($0) }
            guard !guests.isEmpty else { continue }
            throw PgafError(
                .foreignObject,
                "Containers that pgaf did not make use the cluster's network \(network): "
                    + "\(guests.joined(separator: ", ")). Nothing was removed.",
                remedy: "Remove them (`docker rm --force \(guests.joined(separator: " "))` on the machine) or take them"
                    + " out of the network (`docker network disconnect \(network) NAME`), then run the same command again."
            )
        }
    }
}
