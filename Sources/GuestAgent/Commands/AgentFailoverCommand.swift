import ArgumentParser
import Shared

/// `pgaf-agent failover`: a node fails, and another one takes over where it was the primary.
struct AgentFailoverCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "failover", abstract: "Let the primary fail, and see another node take over.",
        discussion: """
            The container is killed as a crash would do it (SIGKILL), and started again once another node is primary. \
            Waits until every node has its place, and says for how long a client could not write meanwhile. Refused, \
            before anything is changed, when no healthy node could take over.
            """)

    @Option(help: ArgumentHelp("The node that is to fail. (default: the primary)", valueName: "node"))
    var node: String?

    @Flag(help: "Order the monitor to let another node be primary; nothing crashes.")
    var order = false

    @OptionGroup var role: OrderVerb

    var printsJSON: Bool { role.printsJSON }

    var roleOrder: RoleOrder { .failover(node: node, way: order ? .order : .crash) }

    func run() async throws { try await role.run(roleOrder) }
}
