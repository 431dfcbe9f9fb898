import ArgumentParser
import Shared

struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop the cluster in order, and shut down the machine if pgaf made it.",
        discussion: """
            Standbys first, then the primary, then the monitor; nothing is lost. `pgaf-host start` goes back.

            The cluster's part is a run in the machine, which goes on when this program ends: `pgaf-host attach` follows it, \
            and another `pgaf-host stop` shuts the machine down.
            """)

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @OptionGroup(title: "Output") var progress: ProgressOptions

    func run() async throws {
        try await Halt.stop(Halt.Options(choice: options.choice, progress: progress.progress), in: .live())
    }
}

struct StartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Start the machine and the cluster that `stop` has stopped.",
        discussion: """
            Monitor first, then the primary, then the standbys; waits until the formation is healthy. Once the machine \
            runs, the rest is a run in it, which goes on when this program ends: `pgaf-host attach` follows it.
            """)

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @OptionGroup(title: "Output") var progress: ProgressOptions

    func run() async throws {
        try await Halt.start(Halt.Options(choice: options.choice, progress: progress.progress), in: .live())
    }
}
