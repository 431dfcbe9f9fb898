import Shared

/// A run in the machine as the host follows it: over one connection after another, from event to event, to its result.
struct AgentRun: Sendable {
    let machine: any Machine
    let recorder: RunRecorder
    /// Opens another connection, when one is lost.
    let reconnect: @Sendable () async throws -> AgentClient

    /// How long the machine may stay away.
    private static let patience = Duration.seconds(900)

    /// Starts the run that the request asks for and follows it; every event goes to the recorder but the result, which
    /// is returned.
    ///
    /// - Throws: `agent.died`, `ssh.link-lost` when the machine stays away, `protocol.violation`, `CancellationError`.
    func start(_ request: Request, over client: AgentClient) async throws -> RunResult {
        let input = try request.encoded()
        return try await follow(AgentStream(run: request.run, recorder: recorder), over: client) { client, since in
            // Before its first event nobody knows whether the request arrived; the agent takes it only once.
            since == 0 ? (client.invocation.up, input) : (client.invocation.follow(run: request.run, since: since), nil)
        }
    }

    /// Starts a run with an order and follows it in the same way.
    func start(
        _ order: any RunOrder, cluster: String, run: String, over client: AgentClient
    ) async throws -> RunResult {
        try await follow(AgentStream(run: run, recorder: recorder), over: client) { client, since in
            let words =
                since == 0
                ? client.invocation.order(order, cluster: cluster, run: run)
                : client.invocation.follow(run: run, since: since)
            return (words, nil)
        }
    }

    /// Follows a run that goes on, or has ended.
    ///
    /// - Parameter run: nil means the latest one of the machine.
    func attach(_ run: String?, over client: AgentClient) async throws -> RunResult {
        let stream = AgentStream(run: run, recorder: recorder)
        return try await follow(stream, over: client) { client, since in
            (client.invocation.follow(run: await stream.run ?? run, since: since), nil)
        }
    }

    private func follow(
        _ stream: AgentStream, over first: AgentClient,
        _ words: (AgentClient, _ since: Int) async -> (arguments: [String], input: Secret?)
    ) async throws -> RunResult {
        var client = first
        var replaced: AgentClient?
        do {
            while true {
                do {
                    let (arguments, input) = await words(client, await stream.lastSequence)
                    let status = try await client.connection.execute(arguments, input: input) {
                        try await stream.take($0)
                    }
                    let result = try await stream.finish(status)
                    await replaced?.connection.close()
                    return result
                } catch let error as PgafError where error.code == .linkLost {
                    await replaced?.connection.close()
                    replaced = nil
                    if let result = await stream.result { return result }
                    await stream.dropPartialLines()
                    client = try await again(after: error)
                    replaced = client
                } catch let error as PgafError where error.code == .agentDied {
                    guard await stream.lastSequence == 0, let missing = await client.missing(error.output) else {
                        throw error
                    }
                    throw missing
                }
            }
        } catch {
            await replaced?.connection.close()
            throw error
        }
    }

    /// Waits with growing pauses until the machine answers again.
    private func again(after lost: PgafError) async throws -> AgentClient {
        let step = HostStep.connect.id
        await recorder.report(.stepStarted(step: step))
        let start = ContinuousClock.now
        let (since, until) = (Timestamp.now(), Timestamp.after(Self.patience))
        let wait = Wait(
            for: "the machine to answer again; the run goes on in it", upTo: Self.patience, every: .milliseconds(500),
            growingTo: .seconds(15),
            hint: "Follow the run with `pgaf-host attach` once the machine answers; if the machine was restarted,"
                + " `pgaf-host up` goes on.",
            code: .linkLost)
        let tell: @Sendable (Wait, Duration) async -> Void = { wait, _ in
            await recorder.report(
                .heartbeat(Heartbeat(step: step, awaiting: wait.description, since: since, until: until)))
        }
        await tell(wait, .zero)
        let look: @Sendable () async throws -> Wait.Observation<AgentClient> = {
            do {
                return .found(try await reconnect())
            } catch let error as PgafError where Self.passing.contains(error.code) {
                return .notYet(error.message)
            }
        }
        let client = try await wait.until(onWaiting: tell, look)
        let seconds = (ContinuousClock.now - start).inSeconds
        await recorder.report(
            .stepOutput(step: step, line: "connected again after \(Duration.seconds(seconds).brief): \(lost.message)"))
        await recorder.report(.stepFinished(step: step, outcome: .unchanged, seconds: seconds))
        return client
    }

    /// What a machine says that is being restarted, or a network that is away. Another host key is not among them.
    static let passing: Set<ErrorCode> = [
        .machineUnreachable, .machineNotMade, .linkLost, .timeout, .loginRefused, .vagrantFailed,
    ]
}
