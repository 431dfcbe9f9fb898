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
            if stays {
                try await recorder.step(.agent) {
                    try await remove(configuration, machine, context)
                    return true
                }
            }
            try await recorder.step(.machine) {
                try await machine.destroy(reporting: recorder)
                return !stays
            }
            return ((), RunResult(status: .ok, changed: 1))
        }
        try ClusterMemory.forget(in: context.project)
        context.note("destroyed; the logs of all runs are still in \(context.project.runs)")
    }

    private static func plan(_ machine: String, stays: Bool) -> [PlannedStep] {
        let cluster = PlannedStep(
            id: HostStep.agent.id, title: "Remove the cluster", dependencies: [], action: .change)
        let step = PlannedStep(
            id: HostStep.machine.id, title: stays ? "Leave \(machine)" : "Remove \(machine)",
            dependencies: stays ? [cluster.id] : [], action: stays ? .none : .change)
        return stays ? [cluster, step] : [step]
    }

    /// On a machine that stays, the agent takes down what it made; it is put there again should it be gone.
    private static func remove(
        _ configuration: Configuration, _ machine: any Machine, _ context: HostContext
    ) async throws {
        try await context.withAgent(on: machine, configuration) { client in
            if configuration.machine.kind != .local {
                let binary = try context.agentBinary()
                try await client.connection.upload(
                    binary, to: client.invocation.path, mode: 0o755, privileged: client.invocation.needsSudo,
                    onProgress: nil)
            }
            try await client.down(cluster: configuration.cluster)
        }
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
