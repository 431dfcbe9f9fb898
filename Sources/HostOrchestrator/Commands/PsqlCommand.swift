import ArgumentParser
import Shared

struct PsqlCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "psql",
        abstract: "Open psql on the primary, or on another node.",
        discussion: """
            Uses this computer's psql if there is one, else the one inside the node's container. No password has to be \
            typed. What follows `--` goes to psql.

            Examples:
              pgaf-host psql
              pgaf-host psql --node pgnode2
              pgaf-host psql -- -c 'select now()'
            """)

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @Option(help: ArgumentHelp("The node, or the monitor, by name. (default: the primary)", valueName: "name"))
    var node: String?

    @Argument(parsing: .postTerminator, help: "Arguments for psql, after `--`.")
    var arguments: [String] = []

    func run() async throws {
        try await Psql.run(
            Psql.Options(choice: options.choice, node: node, arguments: arguments), in: .live())
    }
}
