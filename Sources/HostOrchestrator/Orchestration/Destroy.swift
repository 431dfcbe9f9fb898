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
        var lines = ["this removes, for good:"]
        if configuration.machine.kind != .vagrant { lines += cluster(configuration) }
        lines += try await machine.destructionSummary().map { "  \($0)" }
        lines.append("  the passwords and host keys in \(context.project.state)")
        try await context.agree(to: lines, question: "Destroy all this?", yes: options.yes)
        try context.project.prepare()
        let lock = try ProjectLock(context.project, verb: "destroy")
        defer { withExtendedLifetime(lock) {} }
        let directory = try RunDirectory(in: context.project)
        let display = options.progress.display(context)
        let recorder = try RunRecorder(directory, display: display)
        try await display.animating {
            if configuration.machine.kind == .vagrant {
                try await machine.destroy(reporting: recorder)
            } else {
                try await remove(configuration, machine, context, recorder)
                try await machine.destroy(reporting: recorder)
            }
        }
        ClusterMemory.forget(in: context.project)
        context.note("destroyed; the logs of all runs are still in \(context.project.runs)")
    }

    /// On a machine that stays, the agent takes down what it made; it is put there again should it be gone.
    private static func remove(
        _ configuration: Configuration, _ machine: any Machine, _ context: HostContext, _ recorder: RunRecorder
    ) async throws {
        try await context.withAgent(on: machine, configuration) { client in
            if configuration.machine.kind != .local {
                let binary = try AgentBinary.locate(
                    executable: context.executable, environment: context.environment)
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
