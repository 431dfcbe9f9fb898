import ArgumentParser
import Shared

/// Which configuration is meant; the same for every verb.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The configuration file. (default: pgaf.yaml in this directory, else what the last `up` made here; env: "
                + "PGAF_CONFIG; beside a pgaf.yaml too, verbs other than up, plan and bundle go by what that made, "
                + "unless this or --set is given)",
            valueName: "file"))
    var config: String?

    @Option(
        name: .long, parsing: .singleValue,
        help: ArgumentHelp(
            "Set one key of the configuration, for example `postgres.database=shop`. Can be repeated; beats "
                + "environment, file and defaults. `pgaf-host init` lists the keys.",
            valueName: "key=value"))
    var set: [String] = []

    var choice: ConfigurationChoice { ConfigurationChoice(file: config, settings: set) }

    /// The same with the flags of a verb that makes or plans the cluster.
    func choice(_ shape: ShapeOptions) -> ConfigurationChoice {
        var choice = choice
        choice.nodes = shape.nodes
        choice.machine = shape.machine?.rawValue
        choice.provider = shape.provider?.rawValue
        return choice
    }
}

/// How progress is shown.
struct ProgressOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "How to show progress: ansi (live, on a terminal), plain (one line a change), json (the events, on "
                + "standard output), none; auto takes ansi on a terminal and plain elsewhere.",
            valueName: "mode"))
    var progress = ProgressMode.auto
}
