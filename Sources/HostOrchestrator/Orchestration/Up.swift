import Shared

/// `pgaf-host up`: one run with its lock, its logs, its display and its last words.
enum Up {
    struct Options: Sendable, Equatable {
        var choice = ConfigurationChoice()
        var fresh = false
        /// Agreed beforehand to what `fresh` destroys.
        var yes = false
        var progress = ProgressMode.auto
    }

    /// - Throws: `PgafError`; `ReportedFailure` once the error has been shown with the place of its log.
    static func run(_ options: Options, in context: HostContext) async throws {
        let loaded = try context.loadConfiguration(options.choice)
        let configuration = loaded.configuration
        try ClusterMemory.load(context.project)?.check(configuration)
        if options.fresh {
            try await context.agree(
                to: loss(configuration), question: "Make a fresh cluster and lose this data?", yes: options.yes)
        }
        try context.project.prepare()
        let lock = try ProjectLock(context.project, verb: "up")
        defer { withExtendedLifetime(lock) {} }
        let directory = try RunDirectory(in: context.project)
        let display = options.progress.display(context)
        let recorder = try RunRecorder(directory, display: display)
        let run = UpRun(
            context: context, configuration: configuration, warnings: loaded.warnings, fresh: options.fresh,
            recorder: recorder)
        do {
            let outcome = try await Interrupts.cancelling(
                onFirst: {
                    display.say(
                        "stopping; press Ctrl-C again to end at once (`pgaf-host up` goes on later)",
                        elsewhere: context.errorOutput)
                },
                onSecond: { display.finish() },
                { try await display.animating { try await run.run() } })
            guard options.progress != .json else { return }
            Summary.lines(outcome, cluster: configuration.cluster, log: directory.path).forEach(context.say)
        } catch let error as PgafError {
            context.note("\(error.description)\n  log: \(directory.path)")
            throw ReportedFailure(exitCode: error.code.exitCode)
        }
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

/// A failure that has been shown already; only the exit status is left.
struct ReportedFailure: Error, Equatable {
    var exitCode: Int32
}
