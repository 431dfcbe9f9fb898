import ArgumentParser
import Shared

/// `pgaf-agent`: everything that happens inside the machine.
public struct AgentCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "pgaf-agent",
        abstract: "Makes and looks after a pg_auto_failover cluster on this machine.",
        version: PgafVersion.current)

    public init() {}
}
