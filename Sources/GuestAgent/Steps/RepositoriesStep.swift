import Shared

/// Docker's and PGDG's repositories or their mirrors, a mirror of the Debian archive, and the base image's registry:
/// proven before anything is installed, and all packages of the machine fetched, so that a wrong key, a missing suite
/// or a tampered package of the machine leaves it as it was, but for the tools and keys of the proof.
struct RepositoriesStep: Step {
    let id = "repositories"
    let title = "the package repositories"
    var dependencies = ["preflight"]
    // What the image needs is only proven; the machine's own files are read back by apt itself.
    let confirmed = false

    func inspect(_ context: AgentContext) async throws -> [Change] {
        let topology = context.topology
        guard topology.state.source == .pgdg else { return try await mirror(context) + baseRegistry(context) }
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
        changes += try await baseRegistry(context)
        if try await !ImageStep().inspect(context).isEmpty {
            let known = topology.baseReference.codename.map(topology.imageRepository)
            let words =
                known.map { "use \($0.uri) \($0.suite) in the image, key \($0.fingerprint)" }
                ?? "use PGDG's repository in the image, proven once \(topology.baseReference.text) is there to tell"
                + " its release"
            changes.append(Change(.create, Self.image, words))
        }
        return changes
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        let topology = context.topology
        let output = context.output(id)
        if changes.has(Self.archive) {
            try await context.repositories.prove(
                archive: context.configuration.packages[.debian] ?? "", packages: topology.imagePackages,
                onLine: output)
        }
        let wanted = topology.machineRepositories.filter { changes.has($0.name) }
        if changes.has(Self.registry) {
            // Without them every certificate is one that nobody trusts.
            try await context.repositories.require(
                ["ca-certificates"], by: [AptRepositories.authorities], onLine: output)
            try await RegistryProbe(topology, context.runner, context.files).prove()
        }
        var proven: [(repository: AptRepository, key: String)] = []
        var packages: [String] = []
        for repository in wanted {
            let own = topology.machinePackages(repository)
            let key = try await context.repositories.prove(repository, packages: own, onLine: output)
            proven.append((repository, key))
            if try await isNeeded(repository, context) { packages += own }
        }
        if changes.has(Self.image), let image = topology.baseReference.codename.map(topology.imageRepository) {
            _ = try await context.repositories.prove(image, packages: topology.imagePackages, onLine: output)
        }
        guard !proven.isEmpty else { return }
        try await context.repositories.add(proven) {
            try await context.apt.update(onLine: output)
            if !packages.isEmpty { try await context.apt.download(packages, onLine: output) }
        }
    }

    private static let image = "image"
    private static let registry = "registry"
    private static let archive = "debian"

    /// A mirror of the Debian archive, where the base image or what is installed in it is to come from it.
    private func mirror(_ context: AgentContext) async throws -> [Change] {
        guard let mirror = context.configuration.packages[.debian], context.topology.makesBaseImage, !context.bundle,
            try await !(BaseImageStep().inspect(context) + ImageStep().inspect(context)).isEmpty
        else { return [] }
        return [Change(.create, Self.archive, "use \(mirror) \(BaseSystem.suite) for the images")]
    }

    /// The registry of a base image that is to be pulled by an engine that pgaf installs. One that is there may have a
    /// proxy or mirrors of its own: then it is for `docker pull` to say.
    private func baseRegistry(_ context: AgentContext) async throws -> [Change] {
        guard !context.topology.makesBaseImage, !context.bundle, try await lacksEngine(context),
            try await !BaseImageStep().inspect(context).isEmpty
        else { return [] }
        return [
            Change(.create, Self.registry, "use \(context.topology.baseReference.registry) for the base image")
        ]
    }

    /// Whether something is to be installed from it.
    private func isNeeded(_ repository: AptRepository, _ context: AgentContext) async throws -> Bool {
        if repository.name == "pgdg" { return try await !PsqlClientStep.isThere(context) }
        return try await lacksEngine(context)
    }

    private func lacksEngine(_ context: AgentContext) async throws -> Bool {
        try await DockerEngine(runner: context.runner, files: context.files).isLacking()
    }
}
