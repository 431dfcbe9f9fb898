import ArgumentParser
import Shared

struct EventsCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "List the events of a run as the machine has recorded them.")

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @Argument(help: "The run's id. (default: the run at work in the machine, or else the latest)")
    var identifier: String?

    @Option(help: ArgumentHelp("Only events after the one with this number.", valueName: "number"))
    var since = 0

    @Flag(name: .shortAndLong, help: "Go on until the run's result.")
    var follow = false

    @Flag(help: "Print the events as JSON lines.")
    var json = false

    var printsJSON: Bool { json }
    var printsLines: Bool { true }

    func validate() throws {
        if since < 0 { throw ValidationError("--since takes the number of an event, not \(since).") }
    }

    func run() async throws {
        try await Events.run(
            Events.Options(choice: options.choice, run: identifier, since: since, follow: follow, json: json),
            in: .showing())
    }
}
