import ArgumentParser
import Shared

struct AttachCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach",
        abstract: "Follow a run that goes on in the machine, or see one that has ended.",
        discussion: """
            For a run that was detached from, whose terminal was closed, or that another terminal began; one that has not \
            reached the machine yet cannot be followed. Ctrl-C asks as `pgaf-host up` does.
            """)

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @Argument(help: "The run's id. (default: the run at work here or in the machine, or else the latest)")
    var identifier: String?

    @OptionGroup(title: "Output") var progress: ProgressOptions

    func run() async throws {
        try await Attach.run(
            Attach.Options(choice: options.choice, run: identifier, progress: progress.progress), in: .live())
    }
}
