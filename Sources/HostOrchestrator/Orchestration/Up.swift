import Shared

/// `pgaf-host up`: what is asked before the run, and what is said after it.
enum Up {
    struct Options: Sendable, Equatable {
        var choice = ConfigurationChoice()
        var fresh = false
        /// Remove the volumes of nodes that are no longer in the configuration.
        var purge = false
        /// Agreed beforehand to what `fresh` and `purge` destroy.
        var yes = false
        /// Whether another run, here or in the machine, is waited for.
        var wait = false
        var progress = ProgressMode.auto
        /// Names of generated passwords that get new values; `passwords rotate` names them.
        var rotating: [String] = []
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
        if options.purge, !options.fresh {
            try await context.agree(
                to: purgeLoss(configuration), question: "Remove these volumes for good?", yes: options.yes)
        }
        let (outcome, log) = try await RecordedRun.perform(
            "up", progress: options.progress, waiting: options.wait, in: context
        ) {
            try await UpRun(
                context: context, configuration: configuration, warnings: loaded.warnings,
                options: Request.Options(fresh: options.fresh, purge: options.purge, wait: options.wait),
                rotating: options.rotating, active: $0
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

    /// What `--purge` destroys, in words; which volumes there are only the machine knows.
    static func purgeLoss(_ configuration: Configuration) -> [String] {
        let nodes = configuration.nodes.map(\.name).joined(separator: ", ")
        return [
            "--purge removes every volume of the cluster \"\(configuration.cluster)\" that belongs to no node of the"
                + " configuration (\(nodes)), with all data in it;",
            "  `pgaf-host plan --purge` names them",
        ]
    }
}
