import ArgumentParser
import Shared

struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop the cluster in order, and shut down the machine if pgaf made it.",
        discussion: "Standbys first, then the primary, then the monitor; nothing is lost. `pgaf-host start` goes back.")

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
        discussion: "Monitor first, then the primary, then the standbys; waits until the formation is healthy.")

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @OptionGroup(title: "Output") var progress: ProgressOptions

    func run() async throws {
        try await Halt.start(Halt.Options(choice: options.choice, progress: progress.progress), in: .live())
    }
}
