import ArgumentParser
import Shared

struct SwitchoverCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "switchover",
        abstract: "Let another node become primary, in order.",
        discussion: """
            As for a planned maintenance. Waits until every node has its place again, and says for how long clients could \
            not write: a client of pgaf's own writes all the while.

            Refused, before anything is changed, when it cannot be done safely: no healthy node that could take over, a \
            formation that is not settled, a run that is at work.
            """)

    @Option(
        help: ArgumentHelp("The node that is to be primary. (default: the monitor chooses)", valueName: "node"),
        completion: .nodes)
    var to: String?

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @OptionGroup(title: "Output") var output: RoleOutputOptions

    var printsJSON: Bool { output.json }

    func run() async throws { try await output.run(.switchover(to: to), options) }
}

/// How a change of roles is shown.
struct RoleOutputOptions: ParsableArguments {
    @Flag(
        help: ArgumentHelp(
            "Print one JSON object at the end: verb, node, resolution, from, to, secondsWithoutWrites, "
                + "secondsUntilHealthy, states, formation."))
    var json = false

    @OptionGroup var progress: ProgressOptions

    func validate() throws {
        if json, progress.progress == .json {
            throw ValidationError("--json and --progress json both want standard output.")
        }
    }

    func run(_ order: RoleOrder, _ options: ConfigurationOptions) async throws {
        try await RoleVerb.run(
            RoleVerb.Options(choice: options.choice, order: order, json: json, progress: progress.progress),
            in: .live())
    }
}
