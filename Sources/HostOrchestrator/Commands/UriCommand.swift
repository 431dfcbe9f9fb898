import ArgumentParser
import Shared

struct UriCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "uri",
        abstract: "Print connection strings: for the cluster, each node, and the monitor.",
        discussion: """
            The string for the cluster names all nodes; every client that is built on libpq finds the primary with it, \
            also after a failover. Ports are the ones that answer on this computer.
            """)

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @Flag(help: "Put the passwords into the strings. (default: without)")
    var showPassword = false

    @Flag(help: "Print one JSON object.")
    var json = false

    var printsJSON: Bool { json }

    func run() async throws {
        try await Uri.run(
            Uri.Options(choice: options.choice, showPassword: showPassword, json: json), in: .live())
    }
}
