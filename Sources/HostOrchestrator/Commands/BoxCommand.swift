import ArgumentParser
import Shared

struct BoxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "box",
        abstract: "Work with the Vagrant box that libvirt machines start from.",
        subcommands: [BoxBuildCommand.self])
}
