import ArgumentParser
import Shared

/// The verbs about bundles.
struct BundleGroupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bundle",
        abstract: "Pack what a cluster needs for machines that reach no network.",
        subcommands: [BundleCreateCommand.self])
}
