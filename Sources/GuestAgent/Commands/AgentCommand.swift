import ArgumentParser
import FoundationEssentials
import Shared

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// `pgaf-agent`: everything that happens inside the machine.
public struct AgentCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "pgaf-agent",
        abstract: "Makes and looks after a pg_auto_failover cluster on this machine.",
        version: PgafVersion.current,
        subcommands: [
            AgentPlanCommand.self, AgentUpCommand.self, AgentFollowCommand.self, AgentCancelCommand.self,
            AgentStatusCommand.self, AgentWatchCommand.self, AgentLogsCommand.self, AgentSwitchoverCommand.self,
            AgentFailoverCommand.self, AgentMaintenanceCommand.self, AgentStopCommand.self, AgentStartCommand.self,
            AgentDownCommand.self, AgentPrepareCommand.self, AgentVersionCommand.self, AgentWorkCommand.self,
        ])

    public init() {}

    /// Runs the program with its arguments; a failure is told in words, or as JSON where `--json` was asked for, and
    /// ends the process with the exit code of its error code.
    public static func start() async {
        // A child that ends before it has read its input (`docker exec` into a container that is not there), or a host
        // that goes away, must be an error of one write: without this the agent died silently of the signal.
        signal(SIGPIPE, SIG_IGN)
        setenv("PATH", ProgramPath.withSystemPrograms(ProcessInfo.processInfo.environment["PATH"]), 1)
        do {
            var command = try parseAsRoot()
            do {
                if var asynchronous = command as? any AsyncParsableCommand {
                    try await asynchronous.run()
                } else {
                    try command.run()
                }
            } catch let error as PgafError {
                if (command as? any JSONPrinting)?.printsJSON == true {
                    try Output.json(error)
                } else {
                    Output.error(error.description)
                }
                throw ExitCode(error.code.exitCode)
            }
        } catch {
            Self.exit(withError: error)
        }
    }
}

/// A verb whose failure is one JSON object on standard output, as its result is.
protocol JSONPrinting {
    var printsJSON: Bool { get }
}
