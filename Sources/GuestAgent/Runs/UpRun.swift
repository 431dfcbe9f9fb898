import Shared

/// One run of `up` from the request to its result.
public struct UpRun: Sendable {
    let runner: any CommandRunner
    let sessions: PsqlSessions?
    let store: ClusterStore
    let request: Request
    let events: EventWriter
    let stop: StopSign

    /// - Parameters:
    ///   - sessions: closed at the run's end.
    ///   - stop: ends the run at its next step boundary.
    public init(
        runner: any CommandRunner, sessions: PsqlSessions? = nil, store: ClusterStore, request: Request,
        events: EventWriter, stop: StopSign = StopSign()
    ) {
        self.runner = runner
        self.sessions = sessions
        self.store = store
        self.request = request
        self.events = events
        self.stop = stop
    }

    /// Does the work and writes exactly one result.
    ///
    /// - Returns: the process's exit code.
    public func run() async -> Int32 {
        let status = await story()
        await sessions?.close()
        return status
    }

    private func story() async -> Int32 {
        let warnings = Warnings()
        return await events.concluding("bringing the cluster up", warnings) {
            let (topology, changed) = try await converge(warnings)
            var connections = topology.connections
            connections.certificateAuthority = try CertificateStore(files: store.files, topology: topology)
                .encodedAuthority()
            return RunResult(status: .ok, changed: changed, connections: connections)
        }
    }

    private func converge(_ warnings: Warnings) async throws -> (ClusterTopology, Int) {
        let facts = try await MachineFacts.read(runner: runner, files: store.files)
        await events.hello(facts)
        try Groundwork.check(request, store.files)
        let cluster = request.configuration.cluster
        let lock = try await MachineLock(store: store, holder: "run \(request.run)")
            .take(waiting: request.options.wait, events, stop: stop)
        defer { withExtendedLifetime(lock) {} }
        // A bundle is sent for one run: its parts are as large as what they became.
        defer { if request.options.bundle { try? store.files.remove(BundlePlace.directory) } }
        try await AbandonedWork(store: store, run: request.run).clear()
        if request.options.fresh {
            try await rehearse(ground(facts, Warnings(), remembering: false))
            if stop.isRaised {
                throw PgafError(
                    .cancelled, "The run was cancelled before anything was removed.", remedy: "Run `up --fresh` again.")
            }
            try await ClusterRemoval(runner: runner, store: store).remove(cluster)
        }
        let ground = try await ground(facts, warnings)
        let changed = try await ground.graph.run(ground.context, planningWith: ground.seen)
        let topology = ground.topology
        for text in CertificateStore(files: store.files, topology: topology).warnings() { await warnings.add(text) }
        let reader = FormationReader(runner: runner, sessions: sessions, files: store.files, topology: topology)
        if let formation = try await reader.read() {
            await events.write(.state(formation))
        }
        return (topology, changed)
    }

    private func ground(
        _ facts: MachineFacts, _ warnings: Warnings, remembering: Bool = true
    ) async throws -> Groundwork {
        try await Groundwork(
            request, facts, runner: runner, sessions: sessions, store: store, events: events, warnings: warnings,
            stop: stop, starting: DockerEngine(runner: runner, files: store.files), remembering: remembering)
    }

    /// What would be refused of a new cluster is refused while the old one is there.
    private func rehearse(_ ground: Groundwork) async throws {
        _ = try await PreflightStep(store: store, isReplacing: true).inspect(ground.seen)
        let repositories = RepositoriesStep()
        let changes = try await repositories.inspect(ground.seen)
        if !changes.isEmpty { try await repositories.apply(changes, ground.context) }
    }
}

/// The steps of a cluster, in the order in which they are shown.
public enum ClusterSteps {
    /// - Parameters:
    ///   - inService: nodes that have their place in the formation already.
    ///   - present: nodes that have a container or a volume. They wait for nobody: they may be what the first one waits for.
    ///   - purge: whether volumes of nodes that are no longer wanted are removed.
    public static func all(
        _ topology: ClusterTopology, store: ClusterStore, inService: Set<String> = [], present: Set<String> = [],
        purge: Bool = false
    ) -> [any Step] {
        let nodes = topology.configuration.nodes
        // Registration order decides who becomes the first primary, so a node that may never be one does not lead.
        let leader = nodes.first { $0.candidatePriority > 0 } ?? nodes.first
        var steps: [any Step] = [
            PreflightStep(store: store), RepositoriesStep(), DockerStep(), PsqlClientStep(), BaseImageStep(),
            ImageStep(),
            CertificatesStep(topology: topology), NetworkStep(),
            MonitorStep(topology: topology), RegistrationStep(topology: topology),
        ]
        // Base backups take two WAL senders each and much of the primary's disk, so standbys join a few at a time; one
        // after another on a machine where they would only run into each other's time-outs.
        let lanes = topology.facts.isSlow ? 1 : 4
        var joined: [NodeSettings] = []
        let remake = RollingRemake(topology)
        for node in nodes {
            // Nodes that are there wait for nobody; those that come wait for the one that has to be first, until it is.
            let isComing =
                !inService.contains(node.name) && !present.contains(node.name) && node.name != leader?.name
            let first = leader.flatMap { inService.contains($0.name) ? nil : $0 }
            let predecessor = joined.count < lanes ? first : joined[joined.count - lanes]
            steps.append(
                NodeStep(node: node, predecessor: isComing ? predecessor : nil, topology: topology, remake: remake))
            if isComing { joined.append(node) }
        }
        steps.append(DepartureStep(topology: topology))
        steps += nodes.map { AccessStep(node: $0, topology: topology) }
        steps.append(RestartStep(topology: topology))
        steps.append(FailoverSettingsStep(topology: topology))
        steps.append(VerifyStep(topology: topology))
        steps.append(KeptVolumesStep(topology: topology, purge: purge))
        return steps
    }
}
