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
        let run = OrderedRun(
            runner: runner, sessions: sessions, store: store, request: request, order: order, events: events, stop: stop
        )
        let status = await run.run("changing roles") { context in
            RunResult(status: .ok, changed: 1, roles: try await change(context))
        }
        await besideSessions?.close()
        return status
    }

    private func change(_ context: AgentContext) async throws -> RoleChange {
        let topology = context.topology
        let judgement = try await judgement(context)
        let roles = try judgement.roles()
        if let words = judgement.warning(roles) { await context.warnings.add(words) }
        let client = WritingClient(
            psql: Psql(runner: runner, sessions: besideSessions), topology: topology, primary: roles.primary,
            run: request.run)
        try await prepare(client, roles, context)
        let steps = RoleSteps(
            order, roles, topology, resting: judgement.inMaintenance, meaning: judgement.meaning(roles))
        return try await measured(steps, client, roles, context)
    }

    /// What the monitor and Docker say now.
    ///
    /// - Throws: `docker.unavailable`, `monitor.failed`.
    private func judgement(_ context: AgentContext) async throws -> RoleJudgement {
        guard try await context.docker.engineVersion() != nil else { throw PgafError.engineIsSilent }
        guard let rows = try await context.monitor.rows(), let number = try await context.monitor.numberSyncStandbys()
        else {
            throw PgafError(
                .monitorFailed, "The monitor does not answer, so nobody could take over.",
                remedy: "`pgaf-host status` says what it lacks; `pgaf-host start` or `pgaf-host up` brings it back.")
        }
        let names = context.configuration.nodes.map(\.name)
        let monitor = context.configuration.monitor.name
        let seen = try await context.docker.containers(names + [monitor])
        return RoleJudgement(
            order: order, names: names, monitor: monitor, rows: seen.current(rows, monitor: monitor),
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
}
