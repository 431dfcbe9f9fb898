import ArgumentParser
import Shared

struct BoxBuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Make the Debian 13 box for libvirt from the Debian archive.",
        discussion: "`pgaf-host up` does this by itself when the box is missing. Does nothing when the box is current.")

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions
    @OptionGroup(title: "Output") var progress: ProgressOptions

    func run() async throws {
        try await BoxBuild.run(options.choice, progress: progress.progress, in: .live())
    }
}
