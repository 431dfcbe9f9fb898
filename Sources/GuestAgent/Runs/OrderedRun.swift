import Shared

/// What every run does that was given an order for a cluster: it takes the machine for itself, and the cluster as it is
/// remembered.
struct OrderedRun: Sendable {
    let runner: any CommandRunner
    /// Closed at the run's end.
    var sessions: PsqlSessions?
    let store: ClusterStore
    let request: Request
    let order: any RunOrder
    let events: EventWriter
    let stop: StopSign
    /// Taken instead of what is remembered, by an order that needs no cluster.
    var state: ClusterState?

    /// Does the work and writes exactly one result.
    ///
    /// - Parameter activity: completes "Something unexpected happened while …".
    /// - Returns: the process's exit code.
    func run(_ activity: String, _ work: (AgentContext) async throws -> RunResult) async -> Int32 {
        let warnings = Warnings()
        let status = await events.concluding(activity, warnings) {
            let facts = try await MachineFacts.read(runner: runner, files: store.files)
            await events.hello(facts)
            try Privilege.requireRoot(store.files)
            let lock = try await MachineLock(store: store, holder: "run \(request.run), `\(order.verb)`")
                .take(waiting: request.options.wait, events, stop: stop)
            defer { withExtendedLifetime(lock) {} }
            // What a killed run still has at work could start what is stopped here.
            try await AbandonedWork(store: store, run: request.run).clear()
            let context = AgentContext(
                runner: runner, sessions: sessions, files: store.files, events: events,
                topology: try topology(facts), secrets: request.secrets, warnings: warnings, stop: stop)
            return try await work(context)
        }
        await sessions?.close()
        return status
    }

    private func topology(_ facts: MachineFacts) throws -> ClusterTopology {
        let cluster = request.configuration.cluster
        guard let state = try state ?? store.state(cluster) else {
            throw PgafError(
                .clusterNotFound, "There is no cluster \"\(cluster)\" on this machine.",
                remedy: "Make it with `pgaf-host up`.")
        }
        return ClusterTopology(
            configuration: request.configuration, state: state, facts: facts, root: store.root)
    }
}

extension ClusterOrder {
    /// What to do after a run of it that was cancelled.
    var goingOn: String { "Run `\(verb)` to go on where it stopped." }
}

extension RoleOrder {
    /// The same: the monitor goes on with what it was told.
    var goingOn: String { "Look at `status`, then give the order again if it is still wanted." }
}
