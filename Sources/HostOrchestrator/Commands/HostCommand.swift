import ArgumentParser
import Shared

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// `pgaf-host`: a PostgreSQL high-availability cluster with one command.
public struct HostCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "pgaf-host",
        abstract: "A real PostgreSQL high-availability cluster in a virtual machine, with one command.",
        discussion: """
            `pgaf-host up` makes a virtual machine with Vagrant, installs Docker in it, and starts one pg_auto_failover \
            monitor and three PostgreSQL nodes, one primary and two standbys, that answer on this computer's ports. \
            Run it again whenever something is wrong: it changes only what is not in order.

            First steps:
              pgaf-host plan        see what that would do
              pgaf-host up          make the cluster (some minutes the first time)
              pgaf-host status      see which node is primary
              pgaf-host psql        talk SQL to the primary
              pgaf-host failover    let the primary crash, and see another node take over
              pgaf-host destroy     remove it all

            Everything has a default. To change something, write a commented pgaf.yaml with `pgaf-host init`, or use \
            `pgaf-host up --set KEY=VALUE`. pgaf keeps its own files in .pgaf/ of the directory you are in.
            """,
        version: PgafVersion.current,
        subcommands: [
            DoctorCommand.self, PlanCommand.self, UpCommand.self, AttachCommand.self, EventsCommand.self,
            StatusCommand.self, WatchCommand.self, UriCommand.self, PsqlCommand.self, PasswordsCommand.self,
            LogsCommand.self, SwitchoverCommand.self, FailoverCommand.self, MaintenanceCommand.self,
            StopCommand.self, StartCommand.self, SSHCommand.self, DestroyCommand.self, InitCommand.self,
            BoxGroupCommand.self, BundleGroupCommand.self, VersionCommand.self,
        ])

    public init() {}

    /// The entry of the program: parses, runs, and ends the process with an exit status of those that the
    /// README's "When something goes wrong" lists.
    public static func main() async {
        // A reader that goes away (`pgaf-host logs | head`), a link that breaks or a child that dies must be an error
        // of one write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            do {
                if var asynchronous = command as? any AsyncParsableCommand {
                    try await asynchronous.run()
                } else {
                    try command.run()
                }
            } catch let failure as ReportedFailure {
                throw ExitCode(failure.exitCode)
            } catch let error as PgafError {
                // Words of servers and tools are among its texts.
                let error = error.mapTexts(TerminalText.cleanLines)
                if let verb = command as? any JSONPrinting, verb.printsJSON {
                    DescriptorOutput.standardOutput.write(try verb.failureText(error) + "\n")
                } else {
                    DescriptorOutput.standardError.write(error.description + "\n")
                }
                throw ExitCode(error.code.exitCode)
            }
        } catch {
            exit(withError: error)
        }
    }
}

/// A verb that can print its result, and then also its failure, as JSON.
protocol JSONPrinting {
    var printsJSON: Bool { get }
    /// Whether it then prints one object a line, so that its failure has to be one as well.
    var printsLines: Bool { get }
}

extension JSONPrinting {
    var printsLines: Bool { false }

    /// A failure as this verb's reader expects it, without a line end.
    func failureText(_ error: PgafError) throws -> String {
        try printsLines ? JSONText.line(["error": error]) : JSONText.indented(["error": error])
    }
}
