import Shared

/// The story of one `up`: secrets, machine, connection, agent, cluster; told to the recorder as it goes.
struct UpRun: Sendable {
    let context: HostContext
    let configuration: Configuration
    /// What the loader found worth knowing.
    var warnings: [String] = []
    /// What is wished besides the configuration; whether ports are published everywhere is decided here.
    var options = Request.Options()
    /// Names of generated passwords that get new values.
    var rotating: [String] = []
    /// The bundle that is used instead of a network.
    var supply: BundleSupply?
    let active: RecordedRun.Active

    private var recorder: RunRecorder { active.recorder }

    /// Tells the whole story.
    ///
    /// - Returns: what is left to say, and the result for the last event.
    func run() async throws -> (Outcome, RunResult) {
        let start = ContinuousClock.now
        var outcome = try await story()
        outcome.took = ContinuousClock.now - start
        var connections = outcome.strings.information
        connections.certificateAuthority = outcome.certificateAuthority
        return (
            outcome,
            RunResult(
                status: .ok, changed: outcome.changed, warnings: outcome.warnings, connections: connections)
        )
    }

    private func story() async throws -> Outcome {
        // Before minutes are spent on a machine for it.
        _ = try context.agentBinary()
        let store = PasswordStore(project: context.project, environment: context.environment)
        // New ones are kept only once it has been told that they replace others.
        let secrets = try await store.resolve(
            configuration.passwords, missing: .made, replacing: rotating)
        await recorder.hide(secrets.all)
        let certificates = try context.suppliedCertificates(configuration)
        let machine = try await context.machine(configuration, active.directory.machineLog)
        let loss = try LostMemory(configuration, machine: machine.description, in: context)
        await recorder.report(.plan(HostStep.plan(machine: machine.description)))
        try await recorder.step(.machine) {
            try await machine.bringUp(reporting: recorder) {
                try await rest(machine, secrets, certificates)
            }
        }
        let former = try FormerKnowledge(context.project)
        let memory = ClusterMemory(configuration)
        // A machine that was just made has to be found again by `destroy`, `ssh` and `logs`.
        if configuration.machine.kind == .vagrant { try memory.save(in: context.project) }
        var open: (any Connection)?
        do {
            let (connection, learned) = try await recorder.step(.connect) { try await connect(machine) }
            open = connection
            try memory.save(in: context.project)
            let client = try await agent(connection)
            let lost = try await loss.warnings(client, learned: learned, fresh: options.fresh)
            for text in lost { await recorder.warn(text, in: .agent, elsewhere: context.errorOutput) }
            try store.remember(secrets, configuration.passwords)
            let outcome = try await cluster(
                secrets, certificates, machine, client, warnings: lost + warnings)
            await connection.close()
            return outcome
        } catch {
            await open?.close()
            if await !mayGoOn(after: error) {
                try former.restore(keepsNew: configuration.machine.kind == .vagrant)
            }
            throw error
        }
    }

    /// Whether the agent does, or may yet do, what it was asked for, so that what was written down here becomes true.
    private func mayGoOn(after error: any Error) async -> Bool {
        let (hasBegun, hasLeft) = (await recorder.agentHasBegun, await recorder.hasLeft)
        return hasBegun || hasLeft || active.control.cancel != nil && (error as? PgafError)?.code == .linkLost
    }

    /// Stops the cluster in order, before its machine is started anew; the run starts it again.
    ///
    /// - Throws: what the agent reports, such as `cluster.locked` while a run is at work.
    private func rest(
        _ machine: any Machine, _ secrets: ClusterSecrets, _ certificates: SuppliedCertificates?
    ) async throws {
        let request = Self.request(
            active.directory.id, configuration, secrets, certificates, hosts: try await machine.hosts(), options)
        let stopped = try await Halt.rest(machine, before: request, context)
        let words = stopped.isEmpty ? "nothing of the cluster ran" : "stopped \(stopped.joined(separator: ", "))"
        await recorder.report(.stepOutput(step: HostStep.machine.id, line: words))
    }

    /// - Returns: the connection, and the host keys that it was the first to show.
    private func connect(_ machine: any Machine) async throws -> ((any Connection, [String]), changed: Bool) {
        let keys = try KnownHostKeys(context.project)
        let connection = try await machine.connect()
        let learned = try keys.learned()
        for key in learned {
            await recorder.report(.stepOutput(step: HostStep.connect.id, line: "learned the host key \(key)"))
        }
        return ((connection, learned), false)
    }

    private func agent(_ connection: any Connection) async throws -> AgentClient {
        try await recorder.step(.agent) {
            // Before an agent for another kind of machine takes the place of one that works.
            let parts =
                try await supply?.needed(
                    by: try await context.agent(over: connection, configuration), configuration, fresh: options.fresh)
                ?? []
            try await supply?.placeAgent()
            let (client, sent) = try await context.installAgent(over: connection, configuration) { fraction in
                await recorder.report(
                    .stepProgress(step: HostStep.agent.id, fraction: fraction, message: "copying the agent"))
            }
            let supplied = try await supply?.send(parts, over: client) { words, fraction in
                await recorder.report(.stepProgress(step: HostStep.agent.id, fraction: fraction, message: words))
            }
            return (client, changed: sent || supplied == true)
        }
    }

    private func cluster(
        _ secrets: ClusterSecrets, _ certificates: SuppliedCertificates?, _ machine: any Machine,
        _ client: AgentClient, warnings: [String]
    ) async throws -> Outcome {
        let request = Self.request(
            active.directory.id, configuration, secrets, certificates, hosts: try await machine.hosts(), options)
        let run = AgentRun(machine: machine, recorder: recorder) {
            try await context.agent(over: try await machine.connect(), configuration)
        }
        active.control.workIsInTheMachine {
            try await context.withAgent(on: machine, configuration) { try await $0.cancel(run: request.run) }
        }
        let result = try await run.start(request, over: client)
        active.control.workIsHere()
        var outcome = try await Outcome(
            result, configuration, machine, recorder, context.project, warnings: warnings)
        outcome.warnings += await silentPorts(outcome.strings)
        outcome.warnings += await machine.warnings(with: configuration)
        return outcome
    }

    /// The agent has come in from inside the machine; what lies between here and there is for this host to try.
    private func silentPorts(_ strings: ConnectionStrings) async -> [String] {
        let targets = [strings.monitor] + strings.nodes
        let silent = await withTaskGroup(of: String?.self) { group in
            for target in targets {
                group.addTask { await context.answers(target.endpoint) ? nil : target.name }
            }
            return await group.reduce(into: Set<String>()) { if let name = $1 { $0.insert(name) } }
        }
        return targets.filter { silent.contains($0.name) }.map { target in
            "\(target.name) does not answer on \(target.endpoint.address):\(target.endpoint.port) of this host: look for what"
                + " stands between (a firewall, a forwarded port that has ended), then run `pgaf-host up` again."
        }
    }

    /// What the agent is asked for, by `up` and by `plan`.
    static func request(
        _ run: String, _ configuration: Configuration, _ secrets: ClusterSecrets,
        _ certificates: SuppliedCertificates?, hosts: [String], _ options: Request.Options
    ) -> Request {
        var options = options
        options.publishEverywhere = configuration.machine.kind != .local
        options.hosts = hosts
        return Request(
            run: run, configuration: configuration, secrets: secrets, certificates: certificates, options: options)
    }
}

extension UpRun {
    /// What a finished run leaves to be said.
    struct Outcome: Sendable {
        var strings: ConnectionStrings
        /// As the agent told it: DER in Base64.
        var certificateAuthority: String?
        /// nil when the agent sent no snapshot.
        var state: FormationState?
        var warnings: [String]
        var steps: Int
        var changed: Int
        var took: Duration
        /// What a run came to that changed roles; nil for an `up`.
        var roles: RoleChange?
        /// The same for one that stopped or started the cluster.
        var cluster: ClusterChange?
    }
}

extension RunResult {
    /// - Throws: the error of a run that failed, `CancellationError` for one that was cancelled.
    func requireSuccess() throws {
        switch status {
        case .ok: break
        case .cancelled: throw error ?? CancellationError()
        case .failed:
            throw error
                ?? PgafError(
                    .protocolViolation, "The agent failed without saying why.",
                    remedy: "Run `pgaf-host up` again; it goes on where this one stopped.")
        }
    }
}

extension UpRun.Outcome {
    /// What the agent's result means for people of this host.
    ///
    /// - Throws: the error of a run that failed, `CancellationError` for one that was cancelled.
    init(
        _ result: RunResult, _ configuration: Configuration, _ machine: any Machine, _ recorder: RunRecorder,
        _ project: ProjectDirectory, warnings: [String] = []
    ) async throws {
        try result.requireSuccess()
        if let authority = result.connections?.certificateAuthorityFile {
            // Somebody may follow a run from another directory.
            try project.prepare()
            try MachineFiles().write(authority, to: project.certificateAuthority, mode: 0o644)
        }
        var all = warnings + result.warnings
        if let trouble = await recorder.trouble {
            all.append("The log of this run is not whole: \(trouble.message)")
        }
        let tally = await recorder.tally
        let strings = try await ConnectionStrings.resolve(configuration, on: machine, project)
        let ports = await HostPorts(machine, configuration)
        let changes = ports.applied(to: result)
        self.init(
            strings: strings,
            certificateAuthority: result.connections?.certificateAuthority, state: tally.state.map(ports.applied),
            warnings: all, steps: tally.finished, changed: tally.changed, took: .zero, roles: changes.roles,
            cluster: changes.cluster)
    }
}
