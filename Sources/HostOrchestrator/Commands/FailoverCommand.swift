import ArgumentParser
import Shared

struct FailoverCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "failover",
        abstract: "Let the primary crash, and see another node take over.",
        discussion: """
            Kills the primary's container as a crash would (SIGKILL), waits until the monitor has noticed and another node \
            is primary, starts the killed one again and waits until it is a healthy secondary. Says for how long clients \
            could not write: a client of pgaf's own writes all the while. How soon a failure is noticed is \
            `failover.profile`.

            Refused, before anything is changed, when it cannot be done safely: no healthy node that could take over, a \
            formation that is not settled, a run that is at work.

            Examples:
              pgaf-host failover
              pgaf-host failover --node pgnode2     a standby fails: clients go on
              pgaf-host failover --order            nothing crashes, as `pgaf-host switchover`
            """)

    @Option(
        help: ArgumentHelp("The node that is to fail. (default: the primary)", valueName: "node"), completion: .nodes)
    var node: String?

    @Flag(help: "Order the monitor to let another node be primary; nothing crashes.")
    var order = false

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @OptionGroup(title: "Output") var output: RoleOutputOptions

    var printsJSON: Bool { output.json }

    func run() async throws { try await output.run(.failover(node: node, way: order ? .order : .crash), options) }
}
