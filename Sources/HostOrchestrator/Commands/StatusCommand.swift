import ArgumentParser
import Shared

struct StatusCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show every node: its role, health, log position and port.")

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    var printsJSON: Bool { json }

    func run() async throws {
        try await Status.run(options.choice, json: json, in: .live())
    }
}
