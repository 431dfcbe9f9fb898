import ArgumentParser
import Shared

struct WatchCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Show the formation live, until Ctrl-C.",
        discussion: """
            On a terminal the table of `pgaf-host status`, drawn anew with each look, and the latest changes below it; in a \
            pipe one line a change. A machine that goes away is told, and so is its return.
            """)

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @Option(help: ArgumentHelp("The pause between two looks.", valueName: "seconds"))
    var interval = 1.0

    @Flag(help: "Print each look as one JSON object a line, and a failed one as `{\"error\": …}`.")
    var json = false

    var printsJSON: Bool { json }
    var printsLines: Bool { true }

    func validate() throws {
        guard (0.1...3600).contains(interval) else {
            throw ValidationError("--interval takes 0.1 to 3600 seconds, not \(interval).")
        }
    }

    func run() async throws {
        try await Watch.run(Watch.Options(choice: options.choice, interval: interval, json: json), in: .showing())
    }
}
