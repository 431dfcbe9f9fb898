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
        /// A bundle from which everything comes that a network would give otherwise.
        var bundle: String?
        var progress = ProgressMode.auto
        /// Names of generated passwords that get new values; `passwords rotate` names them.
        var rotating: [String] = []
    }

    /// - Throws: `PgafError`; `ReportedFailure` once a failure of the run itself has been shown.
    static func run(_ options: Options, in context: HostContext) async throws {
        // A rotation changes passwords and nothing else, whatever the file says meanwhile.
        let loaded =
            options.rotating.isEmpty
            ? try context.loadConfiguration(options.choice)
            : try remembered(options.choice, in: context)
        let bundle = try await bundle(options, in: context)
        let configuration = loaded.configuration
        // `auto` stays what it is, or the next `up` without the bundle would find another configuration.
        if bundle != nil { _ = try BundleSettings.fromDebian(configuration) }
        try bundle?.manifest.check(configuration)
        try ClusterMemory.load(context.project)?.check(configuration)
        let supply = bundle.map { BundleSupply(bundle: $0, project: context.project) }
        if let words = try await supply?.foresee(configuration, context.runner) {
            context.note(TerminalText.clean(words))
        }
        if options.fresh {
            try await context.agree(
                to: loss(configuration), question: "Make a fresh cluster and lose this data?", yes: options.yes)
        }
        if options.purge, !options.fresh {
            try await context.agree(
                to: purgeLoss(configuration), question: "Remove these volumes for good?", yes: options.yes)
        }
        let (outcome, log) = try await RecordedRun.perform(
            options.rotating.isEmpty ? "up" : "passwords rotate", progress: options.progress, waiting: options.wait,
            in: context
        ) { active in
            let own = try await supply?.atHome(context, configuration) ?? context
            return try await UpRun(
                context: own, configuration: configuration, warnings: loaded.warnings,
                options: Request.Options(
                    fresh: options.fresh, purge: options.purge, wait: options.wait, bundle: supply != nil),
                rotating: options.rotating, supply: supply, active: active
            ).run()
        }
        guard options.progress != .json else { return }
        for line in Summary.lines(outcome, cluster: configuration.cluster, log: log) { context.say(line) }
    }

    private static func remembered(
        _ choice: ConfigurationChoice, in context: HostContext
    ) throws -> LoadedConfiguration {
        let configuration = try context.currentConfiguration(choice)
        return LoadedConfiguration(
            configuration: configuration, warnings: ConfigurationValidator.warnings(for: configuration))
    }

    /// The bundle that is named, with every part compared with its hash before anything is changed.
    ///
    /// - Throws: `bundle.invalid`, `bundle.damaged`, `file.failed`.
    private static func bundle(_ options: Options, in context: HostContext) async throws -> Bundle? {
        guard let path = options.bundle else { return nil }
        let bundle = try Bundle(
            LocalPath.absolute(path, in: context.project.path, home: context.environment["HOME"]))
        try await bundle.verify()
        return bundle
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
