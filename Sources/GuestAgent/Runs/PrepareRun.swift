import Shared

/// One run of `prepare`: Docker and the images of a cluster, as `up` would make them, and nothing of the cluster itself.
///
/// Nothing is remembered: what a later `up` finds it judges by the labels that the images carry.
public struct PrepareRun: Sendable {
    let runner: any CommandRunner
    let store: ClusterStore
    let configuration: Configuration
    let events: EventWriter

    public init(
        runner: any CommandRunner, store: ClusterStore, configuration: Configuration, events: EventWriter
    ) {
        self.runner = runner
        self.store = store
        self.configuration = configuration
        self.events = events
    }

    /// Does the work and writes exactly one result.
    ///
    /// - Returns: the process's exit code.
    public func run() async -> Int32 {
        let warnings = Warnings()
        return await events.concluding("preparing the machine", warnings) {
            RunResult(status: .ok, changed: try await converge(warnings))
        }
    }

    private func converge(_ warnings: Warnings) async throws -> Int {
        let facts = try await MachineFacts.read(runner: runner, files: store.files)
        await events.hello(facts)
        try ConfigurationValidator.validate(configuration)
        // The base image is made there.
        try store.files.makeDirectory(store.root)
        let lock = try await MachineLock(store: store, holder: "`pgaf-agent prepare`").take()
        defer { withExtendedLifetime(lock) {} }
        try await AbandonedWork(store: store).clear()
        let state = try await StateChoice(runner: runner, store: store, facts: facts)
            .state(for: configuration, warnings: warnings)
        let topology = ClusterTopology(
            configuration: configuration, state: state, facts: facts, root: store.root)
        let context = AgentContext(
            runner: runner, files: store.files, events: events, topology: topology, secrets: .generate(),
            warnings: warnings)
        return try await StepGraph(Self.steps).run(context)
    }

    static let steps: [any Step] = [
        RepositoriesStep(dependencies: []), DockerStep(), BaseImageStep(), ImageStep(),
    ]

    /// What `up` installs on the machine itself, for whoever wants to bring it along.
    ///
    /// - Throws: `usage` for a source other than the Debian archive.
    static func packages(_ configuration: Configuration, files: MachineFiles) throws -> [String] {
        guard configuration.packages.source == .debian else {
            throw PgafError(
                .usage, "Only what comes from the Debian archive alone can be listed.",
                remedy: "Add --set packages.source=debian.")
        }
        let source = SoftwareSource.debian
        let release = MachineFacts.fields(try files.read("/etc/os-release") ?? "")
        let docker = source.dockerPackages(
            distribution: release["ID"] ?? "", codename: release["VERSION_CODENAME"] ?? "")
        return docker + [
            source.psqlPackage(version: configuration.postgres.version ?? source.defaultPostgresVersion)
        ]
    }

    /// A hash of everything that the images are made from, for whoever keeps them: another hash means other images.
    ///
    /// - Throws: `usage` for a source whose repository keys are only known on a machine.
    public static func inputs(_ configuration: Configuration) throws -> String {
        guard configuration.packages.source == .debian else {
            throw PgafError(
                .usage,
                "What images from the package source \(configuration.packages.source.rawValue) are made from is not"
                    + " known before they are made.",
                remedy: "Add --set packages.source=debian.")
        }
        let topology = ClusterTopology(
            configuration: configuration,
            state: ClusterState.nominal(.debian, postgresVersion: configuration.postgres.version),
            facts: MachineFacts(), root: ClusterStore.defaultRoot)
        return ImageIdentity.inputs(topology)
    }
}
