import ArgumentParser
import Shared

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Make the machine and the cluster, or bring them into order.",
        discussion: """
            The first run takes some minutes. Every further run looks at what is there, changes only what differs from \
            the configuration, and keeps data and passwords.

            The work in the machine does not need this program: Ctrl-C asks whether to detach from it or to cancel it \
            (in a pipe it cancels), and `pgaf-host attach` follows it again from anywhere.

            Without a pgaf.yaml, flags hold until another `up` in this directory says otherwise; beside one they hold \
            for this one run. `pgaf-host plan` says beforehand what would change.

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

    @Flag(help: "Remove the volumes of nodes that are no longer in the configuration; asks before it does.")
    var purge = false

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @Flag(help: "Wait for another run, here or in the machine, instead of failing.")
    var wait = false

    @Option(
        help: ArgumentHelp(
            "Take agent, box, images and packages from a file of `pgaf-host bundle create`, and nothing from a network.",
            valueName: "file"), completion: .file(extensions: ["tar"]))
    var bundle: String?

    @OptionGroup(title: "Output") var progress: ProgressOptions

    @Flag(help: "The same as --progress json.")
    var json = false

    func run() async throws {
        try await Up.run(
            Up.Options(
                choice: options.choice(shape), fresh: fresh, purge: purge, yes: yes, wait: wait, bundle: bundle,
                progress: json ? .json : progress.progress),
            in: .live())
    }
}
