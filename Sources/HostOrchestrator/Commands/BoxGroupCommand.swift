import ArgumentParser
import Shared

/// The verbs about the box; `BoxCommand` is the builder's own command lines.
struct BoxGroupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "box",
        abstract: "Work with the Vagrant box that libvirt machines start from.",
        subcommands: [BoxBuildCommand.self])
}
