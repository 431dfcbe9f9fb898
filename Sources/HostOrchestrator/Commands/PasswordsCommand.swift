import ArgumentParser
import Shared

/// The verbs about the cluster's passwords.
struct PasswordsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "passwords", abstract: "The cluster's passwords.", subcommands: [RotateCommand.self])
}

struct RotateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Make new passwords and set them, while the cluster goes on.",
        discussion: """
            Sessions that are open stay open; whoever comes with an old password is refused from then on. A password that \
            comes from elsewhere (env:, file:, command:) is changed there, and then set with `pgaf-host up`.
            """)

    @Argument(help: "superuser, monitor, replication or client; all that pgaf generates when none is named.")
    var names: [String] = []

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @OptionGroup(title: "Output") var progress: ProgressOptions

    func run() async throws {
        try await PasswordRotation.run(
            names, Up.Options(choice: options.choice, progress: progress.progress), in: .live())
    }
}
