import Shared

/// What `up` and `plan` have in common before the first step: the same checks, the same choices, the same steps.
struct Groundwork: Sendable {
    let topology: ClusterTopology
    let graph: StepGraph
    /// For the steps' deeds.
    let context: AgentContext
    /// For the looks of a plan: everything of Docker seen at once.
    let seen: AgentContext

    /// A request is checked like a file: whoever sent it, its names reach Docker and SQL.
    ///
    /// - Throws: `agent.no-root`, `configuration.invalid`, `configuration.conflict`.
    static func check(_ request: Request, _ files: MachineFiles) throws {
        try Privilege.requireRoot(files)
        try ConfigurationValidator.validate(request.configuration)
    }

    /// Chooses what has to be chosen and looks at Docker.
    ///
    /// - Parameters:
    ///   - engine: started when only it can tell what there is of a cluster; nil for a look that changes nothing.
    ///   - remembering: whether the cluster that there is counts.
    init(
        _ request: Request, _ facts: MachineFacts, runner: any CommandRunner, sessions: PsqlSessions?,
        store: ClusterStore, events: EventWriter, warnings: Warnings, stop: StopSign = StopSign(),
        starting engine: DockerEngine? = nil, remembering: Bool = true
    ) async throws {
        var state = try await StateChoice(
            runner: runner, store: store, facts: facts, engine: engine, events: events, bundle: request.options.bundle,
            remembering: remembering
        ).state(for: request.configuration, warnings: warnings)
        if !facts.isSlow { state.isFast = true }
        let options = request.options
        state = state.reached(by: options.hosts, publishingEverywhere: options.publishEverywhere)
        topology = ClusterTopology(
            configuration: request.configuration, state: state, facts: facts, root: store.root)
        try topology.failoverTimings.validate()
        let monitor = Monitor(
            container: topology.configuration.monitor.name, psql: Psql(runner: runner, sessions: sessions))
        let inService = try await monitor.rows()?.filter { $0.isSettled && $0.isHealthy }.map(\.name) ?? []
        let snapshot = try await Docker(runner: runner).snapshot(
            containers: topology.containerNames, volumes: topology.volumeNames,
            images: [topology.baseImage, topology.configuration.image.reference])
        // An engine that is stopped shows nothing, whatever there is.
        let isEmpty = snapshot.containers.isEmpty && snapshot.volumes.isEmpty
        let isHidden =
            if isEmpty, try store.state(request.configuration.cluster) != nil {
                try await Docker(runner: runner).engineVersion() == nil
            } else { false }
        let present = topology.configuration.nodes.filter {
            isHidden || snapshot.containers[$0.name] != nil || snapshot.volumes[$0.effectiveVolume] != nil
        }
        graph = StepGraph(
            ClusterSteps.all(
                topology, store: store, inService: Set(inService), present: Set(present.map(\.name)),
                purge: request.options.purge))
        var acting = AgentContext(
            runner: runner, sessions: sessions, files: store.files, events: events, topology: topology,
            secrets: request.secrets, certificates: request.certificates, warnings: warnings, stop: stop)
        acting.bundle = request.options.bundle
        context = acting
        var looking = context
        looking.snapshot = snapshot
        seen = looking
    }
}
