import Shared

/// `pgaf-host stop` and `start`: the cluster in an order that nobody takes for a failure, and the machine that pgaf made.
enum Halt {
    struct Options: Sendable, Equatable {
        var choice = ConfigurationChoice()
        var progress = ProgressMode.auto
    }

    static func stop(_ options: Options, in context: HostContext) async throws {
        let configuration = try context.currentConfiguration(options.choice)
        let (result, _) = try await RecordedRun.perform("stop", progress: options.progress, in: context) { active in
            let recorder = active.recorder
            let machine = try await context.machine(configuration, active.directory.machineLog)
            await recorder.report(
                .plan([
                    HostStep.connect.planned("Connect to \(machine.description)", .none),
                    HostStep.machine.planned("Shut down \(machine.description), if pgaf made it", after: .connect),
                ]))
            var result = RunResult(status: .ok, cluster: ClusterChange(.stop, containers: []))
            if let client = try await running(machine, configuration, active, context) {
                do {
                    result = try await active.carryOut(
                        ClusterOrder.stop, configuration, on: machine, client, in: context)
                } catch let error as PgafError where nothingToStop.contains(error.code) {}
            }
            try await recorder.step(.machine) { try await machine.halt(reporting: recorder) }
            return (result, result)
        }
        show(result, options, context)
    }

    /// The agent of a machine that runs; nil of one that does not, and so nothing in it does.
    private static func running(
        _ machine: any Machine, _ configuration: Configuration, _ active: RecordedRun.Active, _ context: HostContext
    ) async throws -> AgentClient? {
        try await active.recorder.step(.connect) { () async throws -> (AgentClient?, changed: Bool) in
            do {
                return (try await context.agent(over: try await machine.connect(), configuration), false)
            } catch let error as PgafError where error.code == .machineNotMade {
                return (nil, false)
            }
        }
    }

    /// What a machine says that no `up` has reached.
    private static let nothingToStop: Set<ErrorCode> = [.clusterNotFound, .agentMissing]

    /// Stops the cluster's containers in order, before `up` has brought its own agent.
    ///
    /// - Parameter request: what the cluster is asked for after that. What the agent would refuse of it is refused while the
    ///   cluster runs.
    /// - Returns: the names of those that ran; none where there is no agent or no cluster.
    /// - Throws: what the agent reports, such as `cluster.locked` while a run is at work, or `data.would-be-lost`.
    static func rest(
        _ machine: any Machine, before request: Request, _ context: HostContext
    ) async throws -> [String] {
        do {
            return try await context.withAgent(on: machine, request.configuration) { agent in
                if !request.options.fresh { try await refuse(request, agent) }
                return try await agent.stop(cluster: request.configuration.cluster)
            }
        } catch let error as PgafError where nothingToStop.contains(error.code) {
            return []
        }
    }

    /// An agent of another release may not know what it is asked, and one that fails says nothing of the request: `up` itself
    /// brings its own.
    private static func refuse(_ request: Request, _ agent: AgentClient) async throws {
        do {
            _ = try await agent.plan(request)
        } catch let error as PgafError where error.code.isRefusal {
            throw error
        } catch is PgafError {}
    }

    static func start(_ options: Options, in context: HostContext) async throws {
        let configuration = try context.currentConfiguration(options.choice)
        let (result, _) = try await RecordedRun.perform("start", progress: options.progress, in: context) { active in
            let machine = try await context.machine(configuration, active.directory.machineLog)
            guard try await machine.outlook().state != .missing else {
                throw PgafError(
                    .machineNotMade, "There is no \(machine.description) to start.",
                    remedy: "Make it and its cluster with `pgaf-host up`, in the directory that is meant.")
            }
            await active.recorder.report(.plan(HostStep.plan(machine: machine.description).dropLast()))
            try await active.recorder.step(.machine) {
                try await machine.bringUp(reporting: active.recorder, rest: nil)
            }
            let client = try await active.connect(machine, configuration, in: context)
            let result = try await active.carryOut(
                ClusterOrder.start, configuration, on: machine, client, in: context)
            return (result, result)
        }
        show(result, options, context)
    }

    private static func show(_ result: RunResult, _ options: Options, _ context: HostContext) {
        guard options.progress != .json, let change = result.cluster else { return }
        ClusterChangeText.lines(change).forEach(context.say)
    }
}
