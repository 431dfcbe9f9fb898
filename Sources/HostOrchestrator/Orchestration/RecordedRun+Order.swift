import Shared

/// Orders that the agent carries out in a run of its own, which has the id of the host's.
extension RecordedRun.Active {
    /// The step `connect`.
    func connect(
        _ machine: any Machine, _ configuration: Configuration, in context: HostContext
    ) async throws -> AgentClient {
        try await recorder.step(.connect) {
            (try await context.agent(over: try await machine.connect(), configuration), false)
        }
    }

    /// Has an order carried out and follows that to its end: a link that breaks is made again, and Ctrl-C is about the
    /// run in the machine.
    ///
    /// - Parameter client: closed at the end.
    /// - Returns: the result, with ports as they are forwarded to this host.
    /// - Throws: the error of a run that failed, and what `AgentRun.start` throws.
    func carryOut(
        _ order: any RunOrder, _ configuration: Configuration, on machine: any Machine, _ client: AgentClient,
        in context: HostContext
    ) async throws -> RunResult {
        let run = AgentRun(machine: machine, recorder: recorder) {
            try await context.agent(over: try await machine.connect(), configuration)
        }
        let id = directory.id
        control.workIsInTheMachine {
            try await context.withAgent(on: machine, configuration) { try await $0.cancel(run: id) }
        }
        defer { control.workIsHere() }
        do {
            let result = try await run.start(order, cluster: configuration.cluster, run: id, over: client)
            await client.connection.close()
            try result.requireSuccess()
            return await HostPorts(machine, configuration).applied(to: result)
        } catch {
            await client.connection.close()
            throw error
        }
    }
}
