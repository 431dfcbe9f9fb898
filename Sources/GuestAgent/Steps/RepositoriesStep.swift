import Shared

/// Docker's and PGDG's repositories, or their mirrors: proven before anything is installed, so that a wrong key or a
/// missing suite leaves the machine as it was.
struct RepositoriesStep: Step {
    let id = "repositories"
    let title = "the package repositories"
    var dependencies = ["preflight"]
    // What the image needs is only proven; the machine's own files are read back by apt itself.
    let confirmed = false

    func inspect(_ context: AgentContext) async throws -> [Change] {
        let topology = context.topology
        guard topology.state.source == .pgdg else { return [] }
        var changes: [Change] = []
        for repository in topology.machineRepositories {
            let found = try context.files.read(repository.sourcesFile)
            if found == repository.sourcesText, context.files.exists(repository.keyring) { continue }
            if found?.hasPrefix(AptRepository.ownFirstWords) != true {
                guard try await isNeeded(repository, context) else { continue }
            }
            changes.append(
                Change(
                    found == nil ? .create : .change, repository.name,
                    "use \(repository.uri) \(repository.suite) on the machine, key \(repository.fingerprint)"))
        }
        if let repository = topology.baseReference.codename.map(topology.imageRepository),
            try await !ImageStep().inspect(context).isEmpty
        {
            changes.append(
                Change(
                    .create, Self.image,
                    "use \(repository.uri) \(repository.suite) in the image, key \(repository.fingerprint)"))
        }
        return changes
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        let topology = context.topology
        let output = context.output(id)
        let wanted = topology.machineRepositories.filter { changes.has($0.name) }
        var keys: [String: String] = [:]
        for repository in wanted {
            keys[repository.name] = try await context.repositories.prove(repository, onLine: output)
        }
        if changes.has(Self.image), let image = topology.baseReference.codename.map(topology.imageRepository),
            !wanted.contains(image)
        {
            _ = try await context.repositories.prove(image, onLine: output)
        }
        for repository in wanted { try context.repositories.add(repository, key: keys[repository.name] ?? "") }
        if !wanted.isEmpty { try await context.apt.update(onLine: output) }
    }

    private static let image = "image"

    /// Whether something is to be installed from it.
    private func isNeeded(_ repository: AptRepository, _ context: AgentContext) async throws -> Bool {
        if repository.name == "pgdg" { return try await !PsqlClientStep.isThere(context) }
        let engine = DockerEngine(runner: context.runner, files: context.files)
        return try await context.docker.engineVersion() == nil && !engine.isInstalled
    }
}
