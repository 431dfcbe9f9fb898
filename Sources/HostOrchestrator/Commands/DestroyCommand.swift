import ArgumentParser
import Shared

struct DestroyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destroy",
        abstract: "Remove the cluster with its data, and the machine if pgaf made it.",
        discussion: """
            Says what goes and asks first. A machine that pgaf did not make stays. Whoever detaches from the removal on \
            such a machine runs `pgaf-host destroy` once more after its end: only then does this directory forget the \
            cluster and its passwords.
            """)

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @OptionGroup(title: "Output") var progress: ProgressOptions

    func run() async throws {
        try await Destroy.run(
            Destroy.Options(choice: options.choice, yes: yes, progress: progress.progress), in: .live())
    }
}
