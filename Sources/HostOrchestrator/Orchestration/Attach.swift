import Shared

/// `pgaf-host attach`: follows a run of the machine from anywhere, also one that has ended.
enum Attach {
    struct Options: Sendable, Equatable {
        var choice = ConfigurationChoice()
        /// nil means the run at work in the machine, or else the latest.
        var run: String?
        var progress = ProgressMode.auto
    }

    static func run(_ options: Options, in context: HostContext) async throws {
        if let run = options.run { try RunIdentifier.check(run) }
        let configuration = try context.currentConfiguration(options.choice)
        let machine = try await context.machine(configuration)
        let display = options.progress.display(context)
        let recorder = RunRecorder(showing: options.run ?? RunIdentifier.new(), on: display)
        let control = RunControl()
        let outcome = try await RecordedRun.interruptible(
            "attach", control, recorder, display, in: context, log: nil
        ) {
            do {
                return try await follow(options.run, configuration, machine, recorder, control, context)
            } catch {
                throw await recorder.hasLeft
                    ? RecordedRun.detached : PgafError.wrapping(error, doing: "following the run")
            }
        }
        guard options.progress != .json else { return }
        let lines =
            outcome.roles.map(RoleChangeText.lines) ?? outcome.cluster.map(ClusterChangeText.lines)
            ?? Summary.lines(outcome, cluster: configuration.cluster, log: nil)
        lines.forEach(context.say)
    }

    private static func follow(
        _ run: String?, _ configuration: Configuration, _ machine: any Machine, _ recorder: RunRecorder,
        _ control: RunControl, _ context: HostContext
    ) async throws -> UpRun.Outcome {
        let start = ContinuousClock.now
        let result = try await context.withAgent(on: machine, configuration) { client in
            control.workIsInTheMachine {
                try await context.withAgent(on: machine, configuration) { try await $0.cancel(run: run) }
            }
            return try await AgentRun(machine: machine, recorder: recorder) {
                try await context.agent(over: try await machine.connect(), configuration)
            }.attach(run, over: client)
        }
        control.workIsHere()
        await recorder.report(.result(result))
        var outcome = try await UpRun.Outcome(result, configuration, machine, recorder, context.project)
        outcome.took = ContinuousClock.now - start
        return outcome
    }
}
