import ArgumentParser
import Shared

struct UriCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "uri",
        abstract: "Print connection strings: for the cluster, each node, and the monitor.",
        discussion: """
            The string for the cluster names all nodes; every client that is built on libpq finds the primary with it, \
            also after a failover. Ports are the ones that answer on this computer.

            With a name only that one's string is printed, as in `psql "$(pgaf-host uri cluster)"`.
            """)

    @Argument(
        help: "A node, the monitor, or `cluster`: print its string alone.",
        completion: .nodes)
    var only: String?

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @Flag(help: "Put the passwords into the strings. (default: without)")
    var showPassword = false

    @Flag(help: "Print one JSON object.")
    var json = false

    var printsJSON: Bool { json }

    func validate() throws {
        if only != nil, json { throw ValidationError("A name prints one string: leave out --json or the name.") }
    }

    func run() async throws {
        try await Uri.run(
            Uri.Options(choice: options.choice, only: only, showPassword: showPassword, json: json), in: .live())
    }
}
