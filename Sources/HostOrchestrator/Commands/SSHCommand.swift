import ArgumentParser
import Shared

struct SSHCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ssh",
        abstract: "Open a terminal on the machine, or run a command there.",
        discussion: """
            Examples:
              pgaf-host ssh
              pgaf-host ssh -- docker ps
            """)

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @Argument(parsing: .postTerminator, help: "A command and its arguments, after `--`. (default: a login shell)")
    var command: [String] = []

    func run() async throws {
        try await Login.run(options.choice, remote: command, in: .live())
    }
}
