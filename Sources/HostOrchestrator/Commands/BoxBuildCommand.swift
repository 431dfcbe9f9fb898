import ArgumentParser
import Shared

struct BoxBuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Make the Debian 13 box for libvirt from the Debian archive.",
        discussion: "`pgaf-host up` does this by itself when the box is missing. Does nothing when the box is current.")

    @Flag(help: "Make it again even when nothing that goes into it has changed.")
    var force = false

    @OptionGroup(title: "Output") var progress: ProgressOptions

    func run() async throws {
        try await BoxBuild.run(BoxBuild.Options(force: force, progress: progress.progress), in: .live())
    }
}
