import ArgumentParser
import Shared

/// `pgaf-agent switchover`: another node becomes primary in order.
struct AgentSwitchoverCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "switchover", abstract: "Let another node become primary, in order.",
        discussion: """
            Waits until every node has its place, and says for how long a client could not write meanwhile. Refused, \
            before anything is changed, when no healthy node could take over.
            """)

    @Option(help: ArgumentHelp("The node that is to be primary. (default: the monitor chooses)", valueName: "node"))
    var to: String?

    @OptionGroup var role: OrderVerb

    var printsJSON: Bool { role.printsJSON }

    var order: RoleOrder { .switchover(to: to) }

    func run() async throws { try await role.run(order) }
}
