import ArgumentParser
import Shared

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Make the machine and the cluster, or bring them into order.",
        discussion: """
            The first run takes some minutes. Every further run looks at what is there, changes only what differs from \
            the configuration, and keeps data and passwords. Ctrl-C stops in order; `pgaf-host up` goes on later.

            Examples:
              pgaf-host up
              pgaf-host up --nodes 2 --set postgres.database=shop
              pgaf-host up --machine local
              pgaf-host up --machine ssh --set machine.ssh.host=db.example.com

            The logs of each run are in .pgaf/runs/.
            """)

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @OptionGroup(title: "Cluster and machine") var shape: ShapeOptions

    @Flag(help: "Remove the cluster with all its data first; asks before it does.")
    var fresh = false

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @OptionGroup(title: "Output") var progress: ProgressOptions

    @Flag(help: "The same as --progress json.")
    var json = false

    func run() async throws {
        var choice = options.choice
        choice.nodes = shape.nodes
        choice.machine = shape.machine?.rawValue
        choice.provider = shape.provider?.rawValue
        try await Up.run(
            Up.Options(choice: choice, fresh: fresh, yes: yes, progress: json ? .json : progress.progress),
            in: .live())
    }
}
