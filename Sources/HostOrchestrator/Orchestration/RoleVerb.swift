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
            let machine = try await context.machine(configuration, active.directory.machineLog)
            await active.recorder.report(.plan([HostStep.connect.planned("Connect to \(machine.description)", .none)]))
            let client = try await active.connect(machine, configuration, in: context)
            let result = try await active.carryOut(options.order, configuration, on: machine, client, in: context)
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
}
