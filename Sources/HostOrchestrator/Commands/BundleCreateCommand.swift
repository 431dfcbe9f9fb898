import ArgumentParser
import Shared

struct BundleCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make one file with everything that `up` would take from a network.",
        discussion: """
            The agent and, where the machine is a virtual one on libvirt, its box; else images and Debian packages; each \
            with its hash. `pgaf-host up --bundle FILE` then makes the whole cluster on a machine that reaches nothing. \
            Software comes from the Debian archive (packages.source debian): that of the source pgdg cannot be packed. \
            Nor can a box from a registry, such as VirtualBox's: `vagrant box add` has to get it beforehand.

            Works on a Debian or Ubuntu machine, as root or with sudo: the images are made in its own Docker, which is \
            installed if it is missing. The packages are for machines with the same release as this one; a machine \
            that has Docker and psql needs none.

            Examples:
              pgaf-host bundle create
              pgaf-host bundle create --without-box --output /media/stick/pgaf.tar
            """)

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @OptionGroup(title: "Cluster and machine") var shape: ShapeOptions

    @Option(
        help: ArgumentHelp("Where to write the bundle.", valueName: "file"), completion: .file(extensions: ["tar"]))
    var output = BundleCreate.defaultOutput

    @Flag(help: "Leave the box for libvirt out, and pack images and packages instead.")
    var withoutBox = false

    @OptionGroup(title: "Output") var progress: ProgressOptions

    func run() async throws {
        try await BundleCreate.run(
            BundleCreate.Options(
                choice: options.choice(shape), output: output, withoutBox: withoutBox, progress: progress.progress),
            in: .live())
    }
}
