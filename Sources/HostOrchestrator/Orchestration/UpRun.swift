import Shared

/// The story of one `up`: secrets, machine, connection, agent, cluster; told to the recorder as it goes.
struct UpRun: Sendable {
    let context: HostContext
    let configuration: Configuration
    /// What the loader found worth knowing.
    var warnings: [String] = []
    let fresh: Bool
    let recorder: RunRecorder

    /// What a finished run leaves to be said.
    struct Outcome: Sendable {
        var strings: ConnectionStrings
        /// nil when the agent sent no snapshot.
        var state: FormationState?
        var warnings: [String]
        var steps: Int
        var changed: Int
        var took: Duration
    }

    /// Runs to the end; the recorder's last event is the result, whatever happens.
    ///
    /// - Throws: a `PgafError` without secrets and control characters.
    func run() async throws -> Outcome {
        let start = ContinuousClock.now
        do {
            var outcome = try await story()
            outcome.took = ContinuousClock.now - start
            await recorder.report(
                .result(
                    RunResult(
                        status: .ok, changed: outcome.changed, warnings: outcome.warnings,
                        connections: outcome.strings.information)))
            return outcome
        } catch {
            // A cancelled connection may show itself as any error; what the user did is the reason.
            let reason: any Error = Task.isCancelled ? CancellationError() : error
            let known = await recorder.safe(PgafError.wrapping(reason, doing: "bringing the cluster up"))
            let failure = known.code == .cancelled ? Self.cancelled : known
            await recorder.report(
                .result(RunResult(status: failure.code == .cancelled ? .cancelled : .failed, error: failure)))
            throw failure
        }
    }

    private static let cancelled = PgafError(
        .cancelled, "The run was cancelled; what is done stays as it is.",
        remedy: "Run `pgaf-host up` to go on where it stopped.")

    private func story() async throws -> Outcome {
        let secrets = try PasswordStore(project: context.project, environment: context.environment)
            .resolve(configuration.passwords, creating: true)
        await recorder.hide(secrets.all)
        let machine = try await context.machine(configuration)
        await recorder.report(.plan(HostStep.plan(machine: machine.description)))
        try await step(.machine) { try await machine.bringUp(reporting: recorder) }
        // From here on there is something that `destroy`, `ssh` and `logs` have to find again.
        try ClusterMemory(configuration).save(in: context.project)
        let connection = try await step(.connect) { (try await machine.connect(), false) }
        do {
            let outcome = try await cluster(secrets, machine, connection)
            await connection.close()
            return outcome
        } catch {
            await connection.close()
            throw error
        }
    }

    private func cluster(
        _ secrets: ClusterSecrets, _ machine: any Machine, _ connection: any Connection
    ) async throws -> Outcome {
        let client = try await step(.agent) { try await installAgent(connection) }
        let request = Request(
            run: recorder.directory.id, configuration: configuration, secrets: secrets,
            options: Request.Options(fresh: fresh, publishEverywhere: configuration.machine.kind != .local))
        let result = try await client.up(request, recorder: recorder)
        switch result.status {
        case .ok: break
        case .cancelled: throw CancellationError()
        case .failed:
            throw result.error
                ?? PgafError(
                    .protocolViolation, "The agent failed without saying why.",
                    remedy: "Run `pgaf-host up` again; it goes on where this one stopped.")
        }
        let strings = try await ConnectionStrings.resolve(configuration, on: machine)
        var warnings = warnings + result.warnings
        if let trouble = await recorder.trouble {
            warnings.append("The log of this run is not whole: \(trouble.message)")
        }
        let tally = await recorder.tally
        return Outcome(
            strings: strings, state: tally.state, warnings: warnings, steps: tally.finished, changed: tally.changed,
            took: .zero)
    }

    /// Puts the agent on the machine, where it is not there already.
    private func installAgent(_ connection: any Connection) async throws -> (AgentClient, Bool) {
        let binary = try AgentBinary.locate(executable: context.executable, environment: context.environment)
        if configuration.machine.kind == .local {
            return (try await AgentClient.onMachine(connection, path: binary), false)
        }
        let client = try await AgentClient.onMachine(connection)
        let sent = try await connection.upload(
            binary, to: client.invocation.path, mode: 0o755, privileged: client.invocation.needsSudo
        ) { fraction in
            await recorder.report(
                .stepProgress(step: HostStep.agent.id, fraction: fraction, message: "copying the agent"))
        }
        return (client, sent)
    }

    /// One of the host's own steps, reported in the agent's words.
    private func step<Value: Sendable>(
        _ step: HostStep, _ work: () async throws -> (Value, changed: Bool)
    ) async throws -> Value {
        let start = ContinuousClock.now
        func seconds() -> Double { ((ContinuousClock.now - start).inSeconds * 1000).rounded() / 1000 }
        await recorder.report(.stepStarted(step: step.id))
        do {
            let (value, changed) = try await work()
            await recorder.report(
                .stepFinished(step: step.id, outcome: changed ? .changed : .unchanged, seconds: seconds()))
            return value
        } catch {
            let reason: any Error = Task.isCancelled ? CancellationError() : error
            await recorder.report(
                .stepFailed(
                    step: step.id, error: .wrapping(reason, doing: "taking the step \(step.id)"), seconds: seconds()))
            throw error
        }
    }

    private func step(_ step: HostStep, _ work: () async throws -> Bool) async throws {
        _ = try await self.step(step) { () async throws -> (Bool, changed: Bool) in
            let changed = try await work()
            return (changed, changed)
        }
    }
}
