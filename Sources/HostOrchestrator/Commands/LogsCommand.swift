import ArgumentParser
import Shared

struct LogsCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Show what the nodes and the monitor write.",
        discussion: "The logs of pgaf's own runs are files in .pgaf/runs/.")

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @Argument(help: "The node, or the monitor, by name. (default: all)")
    var node: String?

    @Flag(name: .shortAndLong, help: "Go on showing new lines of the named node until Ctrl-C or the container's end.")
    var follow = false

    @Option(name: .shortAndLong, help: ArgumentHelp("Only the last lines of each. (default: 200)", valueName: "lines"))
    var tail: Int?

    @Flag(help: "Print one JSON object a line: the container and what it wrote.")
    var json = false

    var printsJSON: Bool { json }
    var printsLines: Bool { true }

    func validate() throws {
        if follow, node == nil { throw ValidationError("--follow needs the name of one node or of the monitor.") }
        if let tail, tail < 0 { throw ValidationError("--tail takes a number of lines, not \(tail).") }
    }

    func run() async throws {
        try await Logs.run(
            Logs.Options(choice: options.choice, node: node, follow: follow, tail: tail, json: json),
            in: .showing())
    }
}
