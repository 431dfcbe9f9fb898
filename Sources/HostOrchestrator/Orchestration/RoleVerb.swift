import Shared

/// `pgaf-host switchover`, `failover`, `maintenance`: a run in the machine that changes roles, shown as it goes.
enum RoleVerb {
    struct Options: Sendable, Equatable {
        var choice = ConfigurationChoice()
        var order: RoleOrder
        /// Whether one JSON object is printed at the end.
        var json = false
        var progress = ProgressMode.auto
    }

    static func run(_ options: Options, in context: HostContext) async throws {
        let configuration = try context.currentConfiguration(options.choice)
        let verb = options.order.verb
        let (result, _) = try await RecordedRun.perform(
            verb, progress: options.progress, json: options.json,
            goingOn: "Look at `pgaf-host status`: the monitor goes on with what it was told.", in: context
        ) { active in
            let result = try await follow(options.order, configuration, active, in: context)
            return (result, result)
        }
        guard options.progress != .json, let roles = result.roles else { return }
        for warning in result.warnings { context.note("warning: \(warning)") }
        if options.json {
            context.say(try JSONText.indented(roles))
        } else {
            RoleChangeText.lines(roles).forEach(context.say)
        }
    }

    private static func follow(
        _ order: RoleOrder, _ configuration: Configuration, _ active: RecordedRun.Active, in context: HostContext
    ) async throws -> RunResult {
        let recorder = active.recorder
        let machine = try await context.machine(configuration, active.directory.machineLog)
        let title = "Connect to \(machine.description)"
        await recorder.report(
            .plan([PlannedStep(id: HostStep.connect.id, title: title, dependencies: [], action: .none)]))
        let client = try await recorder.step(.connect) {
            (try await context.agent(over: try await machine.connect(), configuration), false)
        }
        let run = AgentRun(machine: machine, recorder: recorder) {
            try await context.agent(over: try await machine.connect(), configuration)
        }
        let id = active.directory.id
        active.control.workIsInTheMachine {
            try await context.withAgent(on: machine, configuration) { try await $0.cancel(run: id) }
        }
        do {
            var result = try await run.start(order, cluster: configuration.cluster, run: id, over: client)
            active.control.workIsHere()
            await client.connection.close()
            try result.requireSuccess()
            if let formation = result.roles?.formation {
                result.roles?.formation = await HostPorts(machine, configuration).applied(to: formation)
            }
            return result
        } catch {
            await client.connection.close()
            throw error
        }
    }
}
