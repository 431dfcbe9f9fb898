import ArgumentParser
import Shared

/// The verbs about a node that is taken out of service for a while.
struct MaintenanceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "maintenance", abstract: "Take a node out of service, or put it back.",
        subcommands: [MaintenanceEnableCommand.self, MaintenanceDisableCommand.self])
}

struct MaintenanceEnableCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "enable",
        abstract: "Take a node out of service.",
        discussion: """
            The others go on without it, and it is no candidate until `pgaf-host maintenance disable`. Refused, before \
            anything is changed, when no other node could take over, or too few standbys were left to confirm commits.
            """)

    @Argument(help: "The node.", completion: .nodes)
    var node: String

    @Flag(help: "Also when the node is primary: another one takes over first.")
    var allowFailover = false

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @OptionGroup(title: "Output") var output: RoleOutputOptions

    var printsJSON: Bool { output.json }

    func run() async throws {
        try await output.run(.maintenance(node: node, turn: allowFailover ? .enableWithFailover : .enable), options)
    }
}

struct MaintenanceDisableCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "disable",
        abstract: "Put a node back into service.",
        discussion: "It catches up with the primary and becomes a secondary again.")

    @Argument(help: "The node.", completion: .nodes)
    var node: String

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @OptionGroup(title: "Output") var output: RoleOutputOptions

    var printsJSON: Bool { output.json }

    func run() async throws { try await output.run(.maintenance(node: node, turn: .disable), options) }
}
