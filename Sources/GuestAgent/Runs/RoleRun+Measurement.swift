import Shared

/// The steps of a change of roles with what goes on beside them: a client that writes, and a look at the states.
extension RoleRun {
    /// Takes the steps while the client writes and the states are looked at.
    func measured(
        _ steps: RoleSteps, _ client: WritingClient, _ roles: RoleJudgement.Roles, _ context: AgentContext
    ) async throws -> RoleChange {
        let names = context.configuration.nodes.map(\.name)
        let trace = StateTrace(names: names)
        let healthy = try await beside([{ await client.write() }, { await follow(trace, steps, context) }]) {
            // Without a write before the order the pause that it makes would have no beginning.
            try await awaitWrite(client, context)
            do {
                _ = try await StepGraph(steps.all, goingOn: order.goingOn).run(context)
            } catch {
                // A node that was killed for this is not left dead.
                try? await steps.bringBack(context)
                throw error
            }
            let healthy = trace.elapsed
            // The last turn may have come between two looks.
            _ = trace.take(try await context.monitor.rows() ?? [])
            try await awaitWrite(client, context)
            return healthy
        }
        guard
            let formation = try await FormationReader(
                runner: runner, sessions: sessions, files: store.files, topology: context.topology
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

    /// Waits until a write was acknowledged after this moment: the pause that the client is in has ended then.
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
