import Shared

/// The look of `up` without its deeds: no lock, no journal, nothing written.
public struct PlanRun: Sendable {
    let runner: any CommandRunner
    let sessions: PsqlSessions?
    let store: ClusterStore
    let request: Request

    /// - Parameter sessions: closed at the end.
    public init(
        runner: any CommandRunner, sessions: PsqlSessions? = nil, store: ClusterStore, request: Request
    ) {
        self.runner = runner
        self.sessions = sessions
        self.store = store
        self.request = request
    }

    /// What `up` with the same request would change on the machine as it is now.
    ///
    /// - Throws: what `up` would refuse before its first step.
    public func plan() async throws -> ClusterPlan {
        do {
            let plan = try await look()
            await sessions?.close()
            return plan.mapTexts(Redactor(request.secrets.all).redact)
        } catch {
            await sessions?.close()
            throw Redactor(request.secrets.all).redact(PgafError.wrapping(error, doing: "making a plan"))
        }
    }

    private func look() async throws -> ClusterPlan {
        let facts = try await MachineFacts.read(runner: runner, files: store.files)
        try Groundwork.check(request, store.files)
        let warnings = Warnings()
        // Steps that look have nothing to tell; if one has, nobody hears it.
        let silence = EventWriter(run: request.run, redactor: Redactor(), outlets: [])
        let ground = try await Groundwork(
            request, facts, runner: runner, sessions: sessions, store: store, events: silence, warnings: warnings)
        let steps = ground.graph.announcement(try await ground.graph.plan(ground.seen))
        return ClusterPlan(
            cluster: request.configuration.cluster, steps: steps,
            notes: try await notes(ground) + (await warnings.all))
    }

    /// What makes a plan less certain than it looks.
    private func notes(_ ground: Groundwork) async throws -> [String] {
        var notes: [String] = []
        if let holder = MachineLock(store: store, holder: "").currentHolder {
            notes.append("somebody works on this machine now (\(holder)); what is not done yet is listed too")
        }
        if store.clusters.contains(request.configuration.cluster),
            try await ground.context.docker.engineVersion() == nil
        {
            notes.append(
                "the Docker engine does not run, so what it holds cannot be seen; what `up` finds once it runs, it leaves"
                    + " as it is")
        }
        if !request.options.purge {
            notes += try await KeptVolumesStep(topology: ground.topology, purge: false).kept(ground.seen).map(\.stays)
        }
        return notes
    }
}
