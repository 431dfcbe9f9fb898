import Shared

/// One run of `switchover`, `failover` or `maintenance` from the request to its result, while a client of its own writes.
public struct RoleRun: Sendable {
    let runner: any CommandRunner
    let sessions: PsqlSessions?
    /// For the client and the look at the states, which a lost connection or a cancellation may hold up.
    let besideSessions: PsqlSessions?
    let store: ClusterStore
    let request: Request
    let order: RoleOrder
    let events: EventWriter
    let stop: StopSign

    /// - Parameters:
    ///   - sessions: and those beside them: closed at the run's end.
    ///   - stop: ends the run at its next step boundary, or in the wait that it is in.
    public init(
        runner: any CommandRunner, sessions: PsqlSessions? = nil, besideSessions: PsqlSessions? = nil,
        store: ClusterStore, request: Request, order: RoleOrder, events: EventWriter, stop: StopSign = StopSign()
    ) {
        self.runner = runner
        self.sessions = sessions
        self.besideSessions = besideSessions
        self.store = store
        self.request = request
        self.order = order
        self.events = events
        self.stop = stop
    }

    /// Does the work and writes exactly one result.
    ///
    /// - Returns: the process's exit code.
    public func run() async -> Int32 {
        let warnings = Warnings()
        let status = await events.concluding("changing roles", warnings) {
            RunResult(status: .ok, changed: 1, roles: try await change(warnings))
        }
        await sessions?.close()
        await besideSessions?.close()
        return status
    }

    private func change(_ warnings: Warnings) async throws -> RoleChange {
        let facts = try await MachineFacts.read(runner: runner, files: store.files)
        await events.hello(facts)
        try Privilege.requireRoot()
        let lock = try await MachineLock(store: store, holder: "run \(request.run), `\(order.verb)`")
            .take(waiting: request.options.wait, events)
        defer { withExtendedLifetime(lock) {} }
        let topology = try topology(facts)
        let context = AgentContext(
            runner: runner, sessions: sessions, files: store.files, events: events, topology: topology,
            secrets: request.secrets, warnings: warnings, stop: stop)
        let judgement = try await judgement(context)
        let roles = try judgement.roles()
        if let words = judgement.warning(roles) { await warnings.add(words) }
        let client = WritingClient(
            psql: Psql(runner: runner, sessions: besideSessions), topology: topology, primary: roles.primary,
            run: request.run)
        try await prepare(client, roles, context)
        let steps = RoleSteps(
            order, roles, topology, resting: judgement.inMaintenance, meaning: judgement.meaning(roles))
        return try await measured(steps, client, roles, context)
    }

    private func topology(_ facts: MachineFacts) throws -> ClusterTopology {
        let cluster = request.configuration.cluster
        guard let state = try store.state(cluster) else {
            throw PgafError(
                .clusterNotFound, "There is no cluster \"\(cluster)\" on this machine.",
                remedy: "Make it with `pgaf-host up`.")
        }
        return ClusterTopology(
            configuration: request.configuration, state: state, facts: facts, root: store.root,
            publishEverywhere: false)
    }

    /// What the monitor and Docker say now.
    ///
    /// - Throws: `docker.unavailable`, `monitor.failed`.
    private func judgement(_ context: AgentContext) async throws -> RoleJudgement {
        guard try await context.docker.engineVersion() != nil else {
            throw PgafError(
                .dockerUnavailable, "The Docker engine does not answer.", remedy: "Start it with `pgaf-host start`.")
        }
        guard let rows = try await context.monitor.rows(), let number = try await context.monitor.numberSyncStandbys()
        else {
            throw PgafError(
                .monitorFailed, "The monitor does not answer, so nobody could take over.",
                remedy: "`pgaf-host status` says what it lacks; `pgaf-host start` or `pgaf-host up` brings it back.")
        }
        let names = context.configuration.nodes.map(\.name)
        let seen = try await context.docker.containers(names)
        return RoleJudgement(
            order: order, names: names, monitor: context.configuration.monitor.name, rows: rows,
            containers: Dictionary(uniqueKeysWithValues: names.map { ($0, seen[$0]?.status ?? "missing") }),
            syncStandbys: number)
    }

    /// Makes the client's table and has it write once.
    ///
    /// - Throws: `failover.refused` when nobody can write before anything was changed.
    private func prepare(
        _ client: WritingClient, _ roles: RoleJudgement.Roles, _ context: AgentContext
    ) async throws {
        let made = try await context.psql.run(roles.primary, VerifyStep.makeTable)
        let trouble = made.succeeded ? await client.attempt() : made.lastLines(3).joined(separator: "; ")
        guard let trouble else { return }
        throw PgafError(
            .failoverRefused, "The \(order.verb) is refused, and nothing was changed: clients cannot write now.",
            remedy: "Look at `pgaf-host status`, and run `pgaf-host up`, which proves that the cluster works.",
            cause: trouble)
    }

    /// Takes the steps while the client writes and the states are looked at.
    private func measured(
        _ steps: RoleSteps, _ client: WritingClient, _ roles: RoleJudgement.Roles, _ context: AgentContext
    ) async throws -> RoleChange {
        let names = context.configuration.nodes.map(\.name)
        let trace = StateTrace(names: names)
        let healthy = try await beside([{ await client.write() }, { await follow(trace, steps, context) }]) {
            do {
                _ = try await StepGraph(steps.all).run(context)
            } catch {
                // A node that was killed for this is not left dead.
                try? await steps.bringBack(context)
                throw error
            }
            let healthy = trace.elapsed
            try await awaitWrite(client, context)
            return healthy
        }
        guard
            let formation = try await FormationReader(
                runner: runner, sessions: sessions, topology: context.topology
            ).read()
        else { throw PgafError(.dockerUnavailable, "The Docker engine is gone.", remedy: "Run `pgaf-host start`.") }
        let pauses = client.pauses
        return RoleChange(
            verb: order.verb, node: node(roles), from: roles.primary, to: steps.primary,
            secondsWithoutWrites: StateTrace.rounded(pauses.longest), resolution: StateTrace.rounded(pauses.usual),
            secondsUntilHealthy: StateTrace.rounded(healthy), states: trace.turns, formation: formation)
    }

    private func node(_ roles: RoleJudgement.Roles) -> String? {
        if case .switchover = order { nil } else { roles.node }
    }

    /// The pause that the client is in ends with its next write.
    private func awaitWrite(_ client: WritingClient, _ context: AgentContext) async throws {
        let before = client.count
        let wait = Wait(
            for: "the next write of a client", upTo: .seconds(120), every: .milliseconds(20),
            hint: "Look at `pgaf-host status`, then run `pgaf-host up`.", code: .verifyFailed)
        try await context.wait(wait, step: "settle") {
            client.count > before ? .found(()) : .notYet("none was acknowledged")
        }
    }

    /// Looks at the states until the task is cancelled, and tells what is new.
    private func follow(_ trace: StateTrace, _ steps: RoleSteps, _ context: AgentContext) async {
        let monitor = Monitor(
            container: context.configuration.monitor.name, psql: Psql(runner: runner, sessions: besideSessions))
        let pause = Duration.milliseconds(context.topology.facts.isSlow ? 2000 : 100)
        while !Task.isCancelled {
            let rows = (try? await monitor.rows()) ?? nil
            for words in trace.take(rows ?? []) where !steps.current.isEmpty {
                await events.write(.stepProgress(step: steps.current, fraction: nil, message: words))
            }
            // The pace of the looks; nothing waits for it.
            try? await Task.sleep(for: pause)
        }
    }

    /// Does the work while others go on beside it, which are cancelled at its end.
    private func beside<Value: Sendable>(
        _ others: [@Sendable () async -> Void], _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            for other in others {
                group.addTask {
                    await other()
                    return nil
                }
            }
            group.addTask { try await work() }
            defer { group.cancelAll() }
            while let next = try await group.next() {
                if let next { return next }
            }
            throw CancellationError()
        }
    }
}
