import Shared

/// `pgaf-host stop` and `start`: the cluster in an order that nobody takes for a failure, and the machine that pgaf made.
enum Halt {
    struct Options: Sendable, Equatable {
        var choice = ConfigurationChoice()
        var progress = ProgressMode.auto
    }

    static func stop(_ options: Options, in context: HostContext) async throws {
        let configuration = try context.currentConfiguration(options.choice)
        let (stopped, _) = try await RecordedRun.perform("stop", progress: options.progress, in: context) { active in
            let machine = try await context.machine(configuration, active.directory.machineLog)
            await active.recorder.report(
                .plan([
                    step(.agent, "Stop the cluster: standbys, primary, monitor"),
                    step(.machine, "Shut down \(machine.description), if pgaf made it", after: .agent),
                ]))
            let stopped = try await active.recorder.step(.agent) {
                do {
                    let names = try await rest(machine, configuration, context)
                    return (names, !names.isEmpty)
                } catch let error as PgafError where error.code == .machineNotMade {
                    // It does not run, and so nothing in it does.
                    return ([], false)
                }
            }
            try await active.recorder.step(.machine) { try await machine.halt(reporting: active.recorder) }
            return (stopped, RunResult(status: .ok, changed: stopped.isEmpty ? 0 : 1))
        }
        guard options.progress != .json else { return }
        context.say(
            stopped.isEmpty
                ? "nothing ran: nothing was stopped"
                : "stopped \(stopped.joined(separator: ", ")); `pgaf-host start` starts them again")
    }

    /// Stops the cluster's containers in order.
    ///
    /// - Returns: the names of those that ran; none where there is no agent or no cluster.
    static func rest(
        _ machine: any Machine, _ configuration: Configuration, _ context: HostContext
    ) async throws -> [String] {
        do {
            return try await context.withAgent(on: machine, configuration) {
                try await $0.stop(cluster: configuration.cluster)
            }
        } catch let error as PgafError where error.code == .clusterNotFound || error.code == .agentMissing {
            // A machine that no `up` has reached has no cluster to stop.
            return []
        }
    }

    static func start(_ options: Options, in context: HostContext) async throws {
        let configuration = try context.currentConfiguration(options.choice)
        let (state, _) = try await RecordedRun.perform("start", progress: options.progress, in: context) { active in
            let machine = try await context.machine(configuration, active.directory.machineLog)
            guard try await machine.outlook().state != .missing else {
                throw PgafError(
                    .machineNotMade, "There is no \(machine.description) to start.",
                    remedy: "Make it and its cluster with `pgaf-host up`, in the directory that is meant.")
            }
            await active.recorder.report(
                .plan([
                    step(.machine, "Start \(machine.description)"),
                    step(.agent, "Start the cluster and wait until it is healthy", after: .machine),
                ]))
            try await active.recorder.step(.machine) {
                try await machine.bringUp(reporting: active.recorder, rest: nil)
            }
            let state = try await active.recorder.step(.agent) {
                let state = try await context.withAgent(on: machine, configuration) {
                    try await $0.start(cluster: configuration.cluster)
                }
                return (state, true)
            }
            await active.recorder.report(.state(state))
            return (await HostPorts(machine, configuration).applied(to: state), RunResult(status: .ok, changed: 1))
        }
        guard options.progress != .json else { return }
        for line in StatusTable.lines(state) { context.say(line) }
    }

    private static func step(_ step: HostStep, _ title: String, after: HostStep? = nil) -> PlannedStep {
        PlannedStep(id: step.id, title: title, dependencies: after.map { [$0.id] } ?? [], action: .change)
    }
}
