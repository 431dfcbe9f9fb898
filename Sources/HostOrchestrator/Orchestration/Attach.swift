import Shared

/// `pgaf-host attach`: follows a run of the machine from anywhere, also one that has ended.
enum Attach {
    struct Options: Sendable, Equatable {
        var choice = ConfigurationChoice()
        /// nil means the run of who works on this directory, that at work in the machine, or else the latest.
        var run: String?
        var progress = ProgressMode.auto
    }

    static func run(_ options: Options, in context: HostContext) async throws {
        if let run = options.run { try RunIdentifier.check(run) }
        let configuration = try context.currentConfiguration(options.choice)
        let machine = try await context.machine(configuration)
        let display = options.progress.display(context)
        let holder = options.run == nil ? ProjectLock.followed(in: context.project) : nil
        let run = options.run ?? holder?.run
        let recorder = RunRecorder(showing: run ?? RunIdentifier.new(), on: display)
        let control = RunControl()
        let outcome = try await RecordedRun.interruptible(
            "attach", control, recorder, display, in: context, log: nil
        ) {
            do {
                return try await follow(run, configuration, machine, recorder, control, context)
            } catch {
                if await recorder.hasLeft { throw RecordedRun.detached }
                let failure = PgafError.wrapping(error, doing: "following the run")
                throw holder.flatMap { stillHere($0, failure, context.project) } ?? failure
            }
        }
        guard options.progress != .json else { return }
        let lines =
            outcome.roles.map(RoleChangeText.lines) ?? outcome.cluster.map(ClusterChangeText.lines)
            ?? Summary.lines(outcome, cluster: configuration.cluster, log: nil)
        lines.forEach(context.say)
        if outcome.cluster?.removed != nil {
            context.note("this directory still remembers the cluster; `pgaf-host destroy` forgets it here as well")
        }
    }

    /// What a machine says that a run has not reached yet: it is not made, starts, or has never heard of the run. None
    /// of them comes after a run's first event.
    private static let unreached: Set<ErrorCode> = [
        .machineNotMade, .machineUnreachable, .loginRefused, .vagrantFailed, .agentMissing, .runNotFound,
    ]

    /// `run.not-found` where the failure means that the run is not in the machine yet; nil for any other, and where its
    /// pgaf-host has ended.
    private static func stillHere(
        _ holder: ProjectLock.Holder, _ failure: PgafError, _ project: ProjectDirectory
    ) -> PgafError? {
        guard unreached.contains(failure.code), ProjectLock.followed(in: project) == holder else { return nil }
        return PgafError(
            .runNotFound, "The run \(holder.run) of `pgaf-host \(holder.verb)` has not reached the machine yet.",
            remedy: "It is still on this computer, and its log is in \(project.run(holder.run)); run `pgaf-host attach`"
                + " again once it has reached the machine.",
            cause: failure.message)
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
