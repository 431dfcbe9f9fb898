import ArgumentParser
import HostOrchestrator

/// The SSH server to measure against.
struct ServerOptions: ParsableArguments {
    @Option(help: "Name or address of the SSH server.")
    var host = "127.0.0.1"

    @Option(help: "Its port.")
    var port = 22

    @Option(help: "The user to log in as.")
    var user: String

    @Option(help: ArgumentHelp("The private key.", valueName: "file"))
    var identity: String

    @Option(help: ArgumentHelp("The known_hosts file; the key is learned when it is new.", valueName: "file"))
    var knownHosts: String

    func connect() async throws -> SSHConnection {
        try await SSHConnection.open(
            SSHParameters(
                host: host, port: port, user: user, identityFiles: [identity], knownHostsFile: knownHosts))
    }
}
