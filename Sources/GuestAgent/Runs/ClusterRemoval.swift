import Shared

/// Removes a cluster from the machine: everything that carries its label, and its memory.
public struct ClusterRemoval: Sendable {
    /// What can be removed by itself: everything of one kind, in the order in which it can go.
    struct Part: Sendable {
        /// `containers`, `volumes`, `networks`, `memory`.
        var id: String
        var title: String
        /// What its removal changes, in words.
        var change: String
        /// A line for each object.
        var lines: [String]
        var remove: @Sendable () async throws -> Void
    }

    private enum Kind: String, CaseIterable {
        case container, volume, network

        /// The words with which Docker removes one.
        var removal: [String] {
            switch self {
            case .container: ["rm", "--force"]
            case .volume, .network: [rawValue, "rm"]
            }
        }
    }

    let runner: any CommandRunner
    let store: ClusterStore

    public init(runner: any CommandRunner, store: ClusterStore) {
        self.runner = runner
        self.store = store
    }

    private var docker: Docker { Docker(runner: runner) }

    /// What there is, by kind. An engine that is stopped is started: otherwise it would bring the cluster back some day,
    /// after its passwords were forgotten.
    ///
    /// - Throws: `docker.unavailable` when it does not start.
    private func objects(_ cluster: String) async throws -> [(kind: Kind, names: [String])] {
        guard try await DockerEngine(runner: runner, files: store.files).isAvailable() else { return [] }
        var found: [(kind: Kind, names: [String])] = []
        for kind in Kind.allCases {
            let names = try await docker.labelled(kind.rawValue, cluster: cluster)
            if !names.isEmpty { found.append((kind, names)) }
        }
        return found
    }

    /// The words for what is removed from the machine's files; nil where nothing is remembered.
    func memory(_ cluster: String) -> String? {
        store.files.exists(store.directory(cluster))
            ? "the memory of the cluster \"\(cluster)\" with its passwords" : nil
    }

    /// What `remove` would take away, one line a thing.
    ///
    /// - Throws: `docker.unavailable`.
    public func summary(_ cluster: String) async throws -> [String] {
        try await objects(cluster).flatMap { kind, names in names.map { "\(kind) \($0)" } }
    }

    /// Everything that there is; the memory comes last, so that a removal which ended half-way is gone on with.
    ///
    /// - Throws: `docker.unavailable`; `docker.foreign-object` before anything is removed.
    func parts(_ cluster: String) async throws -> [Part] {
        let found = try await objects(cluster)
        try await refuseGuests(of: found)
        var parts = found.map { [docker] kind, names in
            Part(
                id: "\(kind)s", title: "the \(kind)s of the cluster go",
                change: "remove the \(kind)s \(names.joined(separator: ", "))", lines: names.map { "\(kind) \($0)" }
            ) {
                for name in names { try await docker.checked(kind.removal + [name]) }
            }
        }
        if let memory = memory(cluster) {
            parts.append(
                Part(
                    id: "memory", title: "the machine forgets the cluster", change: "remove \(memory)", lines: [memory]
                ) { [store] in try store.remove(cluster) })
        }
        return parts
    }

    /// - Returns: what was removed.
    /// - Throws: `docker.failed`, and what `parts` throws.
    @discardableResult
    public func remove(_ cluster: String) async throws -> [String] {
        let parts = try await parts(cluster)
        for part in parts { try await part.remove() }
        return parts.flatMap(\.lines)
    }

    /// A network stays for as long as a running container of somebody else's, such as a pooler, is connected to it: that
    /// would come out only after the data is gone.
    ///
    /// - Throws: `docker.foreign-object`.
    private func refuseGuests(of found: [(kind: Kind, names: [String])]) async throws {
        func names(_ kind: Kind) -> [String] { found.first { $0.kind == kind }?.names ?? [] }
        for network in names(.network) {
            let guests = try await docker.containers(inNetwork: network).filter { !names(.container).contains($0) }
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
