import Shared

/// What the monitor's and the nodes' steps do alike: files beside the container, the container itself, its start.
struct ContainerConvergence: Sendable {
    let name: String
    /// Files of the configuration directory by name.
    let files: [String: String]
    /// The same files as they are in the end, where `files` are only the first ones; what a plan tells of.
    var lasting: [String: String]?
    let specification: @Sendable (_ imageHash: String) -> ContainerSpecification

    /// A data node's container, as its own step and the one of its access both see it.
    static func node(_ node: NodeSettings, _ topology: ClusterTopology) -> ContainerConvergence {
        ContainerConvergence(name: node.name, files: topology.nodeFiles) {
            topology.nodeContainer(node, imageHash: $0)
        }
    }

    /// What differs: `container` to be made, or made anew with the `files` and passwords that come with it; else `start`
    /// and `passfile`.
    func inspect(_ context: AgentContext) async throws -> [Change] {
        guard let status = try await context.docker.container(name) else {
            _ = try await hasOwnVolume(context)
            return [Change(.create, "container", "create container \(name)")]
        }
        guard status.labels[Label.cluster] == context.configuration.cluster else {
            throw PgafError(
                .foreignObject, "A container \"\(name)\" exists and was not made by pgaf for this cluster.",
                remedy: "Choose another name, or remove it with `docker rm --force \(name)`.")
        }
        let wanted = try await ImageIdentity.wanted(context).map(specification)
        let secrets = try secretDifferences(context)
        guard let wanted, wanted.hash == status.labels[Label.hash] else {
            _ = try await hasOwnVolume(context)
            let options = wanted.map { ContainerDifference.lines(status.labels, $0) } ?? []
            return [Change(.change, "container", "make container \(name) anew on its volume")]
                + options.map { Change(.change, "container", $0) }
                + (try fileDifferences(context).map { Change(.change, "files", $0) }) + secrets
        }
        if !status.running { return [Change(.change, "start", "start container \(name)")] + secrets }
        let isPaused = status.status == "paused"
        return (isPaused ? [Change(.change, "unpause", "let container \(name) go on, which is paused")] : [])
            + secrets
    }

    /// Whether a plan has the container made by its own step, which is before all others that look at it. In a run that
    /// step has done so by then.
    func isAhead(_ context: AgentContext) async throws -> Bool {
        guard context.isPlanning else { return false }
        return try await inspect(context).has("container")
    }

    /// Makes or starts the container; its volume is never touched.
    ///
    /// - Parameter kept: files that stay as they are for now.
    func apply(
        _ changes: [Change], step: String, keeping kept: Set<String> = [], _ context: AgentContext
    ) async throws {
        if changes.has("container") { return try await make(step, keeping: kept, context) }
        let hasSecrets = changes.has("passfile") || changes.has("certificate")
        if hasSecrets { try writeSecrets(context) }
        if changes.has("unpause") { try await context.docker.checked(["unpause", name]) }
        if changes.has("start") {
            // A departure that was interrupted has taken it away.
            try await context.docker.checked(["update", "--restart", ContainerSpecification.restartPolicy, name])
            do {
                try await context.docker.checked(["start", name])
            } catch let error as PgafError {
                guard let reason = reasonToMakeAnew(error.output, context) else { throw error }
                await context.output(step)("\(name) \(reason): it is made anew on its volume")
                return try await make(step, keeping: kept, context)
            }
        } else if hasSecrets {
            try await handOverSecrets(reloading: changes.has("certificate"), context)
        }
        if hasSecrets { try noteSecrets(context) }
    }

    /// Makes the container, in the place of another one if there is one.
    private func make(_ step: String, keeping kept: Set<String>, _ context: AgentContext) async throws {
        let hasVolume = try await hasOwnVolume(context)
        try writeFiles(context, keeping: kept)
        if try await context.docker.container(name) != nil {
            try await context.docker.checked(["stop", name])
            try await context.docker.checked(["rm", name])
        }
        guard let imageHash = try await ImageIdentity.wanted(context) else {
            throw PgafError(
                .dockerFailed, "The image \(context.configuration.image.reference) is gone.", remedy: "Run `up` again.")
        }
        if !hasVolume { try await makeVolume(context) }
        let command = specification(imageHash).runCommand
        try await context.docker.checked(
            command.arguments, what: "The container \(name) could not be started.", onLine: context.output(step))
        try noteSecrets(context)
    }

    /// Why a container can never be started again, by what its start has said; nil where another attempt may do.
    private func reasonToMakeAnew(_ output: [String], _ context: AgentContext) -> String? {
        if output.contains(where: Self.tellsOfALostNetwork) { return "belongs to a network that is gone" }
        let leaked = output.lazy.compactMap(LeakedTask.container).first
        guard let leaked, !LeakedTask.isAtWork(leaked, context.files) else { return nil }
        return "was being started when its engine was killed, and Docker cannot start it any more"
    }

    /// A container keeps its network's id, and the one of that name may be another by now: made anew by somebody, or by a
    /// run that a full disk has ended.
    static func tellsOfALostNetwork(_ line: String) -> Bool {
        line.contains("Error response from daemon: network ") && line.hasSuffix(" not found")
    }

    /// Writes what the container sees read-only; the secrets' directory is root's alone on both sides.
    func writeFiles(_ context: AgentContext, keeping kept: Set<String> = []) throws {
        let directory = context.topology.configurationDirectory(name)
        try context.files.makeDirectory(directory, mode: 0o755)
        try write(files.filter { !kept.contains($0.key) }, context)
        try writeSecrets(context)
    }

    private func write(_ files: [String: String], _ context: AgentContext) throws {
        let directory = context.topology.configurationDirectory(name)
        for (file, text) in files.sorted(by: { $0.key < $1.key }) {
            try context.files.write(text, to: "\(directory)/\(file)", mode: 0o644)
        }
    }

    /// What differs in the files, an entry a line or setting; and whether the server may not have read those that there are.
    func fileDifferences(_ context: AgentContext) throws -> [String] {
        let directory = context.topology.configurationDirectory(name)
        let lines = try (lasting ?? files).sorted { $0.key < $1.key }.flatMap { file, text in
            FileDifference.lines(name, file, from: try context.files.read("\(directory)/\(file)"), to: text)
        }
        guard lines.isEmpty, try context.files.read(unread(context)) != nil else { return lines }
        return ["\(name) reads its files again: a run ended before it was seen to have done so"]
    }

    /// File that is there from before the files are written until the server has read them.
    private func unread(_ context: AgentContext) -> String {
        "\(context.topology.directory)/nodes/\(name)/unread"
    }

    /// Writes the files and has the running server read them.
    ///
    /// - Parameter reload: throws when the server refuses them; then the former ones are put back, since with wrong ones it
    ///   would not start any more.
    func replaceFiles(_ context: AgentContext, reload: () async throws -> Void) async throws {
        let directory = context.topology.configurationDirectory(name)
        let wanted = lasting ?? files
        let former = try wanted.keys.map { ($0, try context.files.read("\(directory)/\($0)")) }
        try context.files.write("", to: unread(context))
        try write(wanted, context)
        do {
            try await reload()
        } catch {
            for case (let file, let text?) in former {
                try context.files.write(text, to: "\(directory)/\(file)", mode: 0o644)
            }
            throw error
        }
        try context.files.remove(unread(context))
    }

    /// Settings that the file does not have as it should, with their wanted values; nil for one that goes.
    func changedSettings(_ context: AgentContext) throws -> [String: String?] {
        let directory = context.topology.configurationDirectory(name)
        guard let old = try context.files.read("\(directory)/postgresql.conf"), let new = files["postgresql.conf"]
        else {
            return [:]
        }
        return FileDifference.changedSettings(from: old, to: new)
    }

    /// Whether the node has been here before; its settings and roles are on the volume.
    func hasVolume(_ context: AgentContext) async throws -> Bool {
        try await context.docker.labels(of: "volume", specification("").volume) != nil
    }

    /// Whether its volume is there. Two servers on one data directory destroy it, so one that another node has or had is
    /// refused.
    private func hasOwnVolume(_ context: AgentContext) async throws -> Bool {
        let volume = specification("").volume
        guard let labels = try await context.docker.labels(of: "volume", volume) else { return false }
        let remedy = "Choose another `volume` for \(name) in pgaf.yaml; pgaf does not touch what is in it."
        guard labels[Label.cluster] == context.configuration.cluster else {
            throw PgafError(
                .foreignObject, "The Docker volume \"\(volume)\" exists and was not made by pgaf for this cluster.",
                remedy: remedy)
        }
        // One without the label was made by an older pgaf.
        let users = labels[Label.node] == nil ? try await context.docker.users(ofVolume: volume) : []
        if let owner = labels[Label.node] ?? users.first(where: { $0 != name }), owner != name {
            throw PgafError(
                .foreignObject, "The Docker volume \"\(volume)\" has the data of \(owner), not of \(name).",
                remedy: remedy)
        }
        return true
    }

    private func makeVolume(_ context: AgentContext) async throws {
        try await context.docker.checked([
            "volume", "create", "--label", "\(Label.cluster)=\(context.configuration.cluster)",
            "--label", "\(Label.source)=\(context.topology.state.source.rawValue)",
            "--label", "\(Label.postgres)=\(context.topology.state.postgresVersion)",
            "--label", "\(Label.role)=volume", "--label", "\(Label.node)=\(name)", specification("").volume,
        ])
    }
}
