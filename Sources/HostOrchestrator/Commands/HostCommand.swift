import ArgumentParser
import CLibSSH
import Shared

/// `pgaf-host`: a PostgreSQL high-availability cluster with one command.
public struct HostCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "pgaf-host",
        abstract: "A real PostgreSQL high-availability cluster in a virtual machine, with one command.",
        version: PgafVersion.current)

    public init() {}
}
