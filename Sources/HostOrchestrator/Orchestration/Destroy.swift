import Shared

/// `pgaf-host destroy`: the cluster, its data, and the machine if pgaf made it.
enum Destroy {
    struct Options: Sendable, Equatable {
        var choice = ConfigurationChoice()
        var yes = false
        var progress = ProgressMode.auto
    }

    static func run(_ options: Options, in context: HostContext) async throws {
        let configuration = try context.currentConfiguration(options.choice)
        let machine = try await context.machine(configuration)
        let parts = try await machine.destructionSummary()
        if parts.isEmpty, configuration.machine.kind == .vagrant, !MachineFiles().exists(context.project.secrets) {
            return context.note("there is nothing to destroy in \(context.project.path)")
        }
        var lines = ["this removes, for good:"]
        if configuration.machine.kind != .vagrant { lines += cluster(configuration) }
        lines += parts.map { "  \($0)" }
        lines.append("  the passwords in \(context.project.secrets)")
        try await context.agree(to: lines, question: "Destroy all this?", yes: options.yes)
        _ = try await RecordedRun.perform("destroy", progress: options.progress, in: context) { active in
            let recorder = active.recorder
            let machine = try await context.machine(configuration, active.directory.machineLog)
            let stays = configuration.machine.kind != .vagrant
            await recorder.report(.plan(plan(machine.description, stays: stays)))
            var result = RunResult(status: .ok, changed: 1)
            if stays { result = try await takeDown(configuration, machine, active, context) }
            try await recorder.step(.machine) {
                try await machine.destroy(reporting: recorder)
                return !stays
            }
            return ((), result)
        }
        try ClusterMemory.forget(in: context.project)
        context.note("destroyed; the logs of all runs are still in \(context.project.runs)")
    }

    private static func plan(_ machine: String, stays: Bool) -> [PlannedStep] {
        guard stays else { return [HostStep.machine.planned("Remove \(machine)")] }
        return [
            HostStep.connect.planned("Connect to \(machine)", .none),
            HostStep.agent.planned("Put the agent there, if it is gone", .none, after: .connect),
            HostStep.machine.planned("Leave \(machine)", .none, after: .agent),
        ]
    }

    /// On a machine that stays, the agent takes down what it made, in a run of its own.
    private static func takeDown(
        _ configuration: Configuration, _ machine: any Machine, _ active: RecordedRun.Active, _ context: HostContext
    ) async throws -> RunResult {
        let connection = try await active.recorder.step(.connect) { (try await machine.connect(), false) }
        let client: AgentClient
        do {
            client = try await active.recorder.step(.agent) {
                try await context.installAgent(over: connection, configuration)
            }
        } catch {
            await connection.close()
            throw error
        }
        return try await active.carryOut(ClusterOrder.down, configuration, on: machine, client, in: context)
    }

    private static func cluster(_ configuration: Configuration) -> [String] {
        let volumes = configuration.nodes.map(\.effectiveVolume) + [configuration.monitor.effectiveVolume]
        return [
            "  the containers of the cluster \"\(configuration.cluster)\": "
                + (configuration.nodes.map(\.name) + [configuration.monitor.name]).joined(separator: ", "),
            "  their volumes with every database in them: \(volumes.joined(separator: ", "))",
            "  the network \(configuration.network.name)",
        ]
    }
}
