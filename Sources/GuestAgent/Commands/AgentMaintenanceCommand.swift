import ArgumentParser
import Shared

/// `pgaf-agent maintenance`: a node out of service, and back.
struct AgentMaintenanceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "maintenance", abstract: "Take a node out of service, or put it back.",
        subcommands: [AgentMaintenanceEnableCommand.self, AgentMaintenanceDisableCommand.self])
}

struct AgentMaintenanceEnableCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "enable", abstract: "Take a node out of service.",
        discussion: """
            The others go on without it, and it is no candidate. Refused, before anything is changed, when no other node \
            could take over, or too few standbys were left to confirm commits.
            """)

    @Argument(help: "The node.")
    var node: String

    @Flag(help: "Also when the node is primary: another one takes over first.")
    var allowFailover = false

    @OptionGroup var role: OrderVerb

    var printsJSON: Bool { role.printsJSON }

    var order: RoleOrder { .maintenance(node: node, turn: allowFailover ? .enableWithFailover : .enable) }

    func run() async throws { try await role.run(order) }
}

struct AgentMaintenanceDisableCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "disable", abstract: "Put a node back into service.",
        discussion: "It catches up with the primary and becomes a secondary again.")

    @Argument(help: "The node.")
    var node: String

    @OptionGroup var role: OrderVerb

    var printsJSON: Bool { role.printsJSON }

    var order: RoleOrder { .maintenance(node: node, turn: .disable) }

    func run() async throws { try await role.run(order) }
}
