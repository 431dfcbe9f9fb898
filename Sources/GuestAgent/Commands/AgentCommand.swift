import ArgumentParser
import Shared

/// `pgaf-agent`: everything that happens inside the machine.
public struct AgentCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "pgaf-agent",
        abstract: "Makes and looks after a pg_auto_failover cluster on this machine.",
        version: PgafVersion.current,
        subcommands: [
            AgentUpCommand.self, AgentStatusCommand.self, AgentLogsCommand.self, AgentDownCommand.self,
            AgentVersionCommand.self,
        ])

    public init() {}

    /// Runs the program with its arguments; a failure is told in words, or as JSON where `--json` was asked for, and
    /// ends the process with the exit code of its error code.
    public static func start() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let error as PgafError {
            Output.error(error.description)
            exit(withError: ExitCode(error.code.exitCode))
        } catch {
            exit(withError: error)
        }
    }
}
