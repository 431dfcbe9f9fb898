import Shared

/// `pgaf-host up`: what is asked before the run, and what is said after it.
enum Up {
    struct Options: Sendable, Equatable {
        var choice = ConfigurationChoice()
        var fresh = false
        /// Agreed beforehand to what `fresh` destroys.
        var yes = false
        /// Whether another run, here or in the machine, is waited for.
        var wait = false
        var progress = ProgressMode.auto
    }

    /// - Throws: `PgafError`; `ReportedFailure` once a failure of the run itself has been shown.
    static func run(_ options: Options, in context: HostContext) async throws {
        let loaded = try context.loadConfiguration(options.choice)
        let configuration = loaded.configuration
        try ClusterMemory.load(context.project)?.check(configuration)
        if options.fresh {
            try await context.agree(
                to: loss(configuration), question: "Make a fresh cluster and lose this data?", yes: options.yes)
        }
        let (outcome, log) = try await RecordedRun.perform(
            "up", progress: options.progress, waiting: options.wait, in: context
        ) {
            try await UpRun(
                context: context, configuration: configuration, warnings: loaded.warnings, fresh: options.fresh,
                wait: options.wait, active: $0
            ).run()
        }
        guard options.progress != .json else { return }
        for line in Summary.lines(outcome, cluster: configuration.cluster, log: log) { context.say(line) }
    }

    /// What `--fresh` destroys, in words.
    static func loss(_ configuration: Configuration) -> [String] {
        let volumes = configuration.nodes.map(\.effectiveVolume) + [configuration.monitor.effectiveVolume]
        return [
            "--fresh removes the cluster \"\(configuration.cluster)\" before it makes a new one, if there is one:",
            "  every database on \(configuration.nodes.map(\.name).joined(separator: ", "))",
            "  the state of the monitor \(configuration.monitor.name)",
            "  the volumes \(volumes.joined(separator: ", ")) with all that is in them",
        ]
    }
}
