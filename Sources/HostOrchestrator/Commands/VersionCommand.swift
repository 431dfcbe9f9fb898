import ArgumentParser
import Shared

struct VersionCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Print the versions of this program, the protocol, and the agent on the machine.")

    @Flag(help: "Print one JSON object.")
    var json = false

    var printsJSON: Bool { json }

    func run() async throws {
        try await Versions.run(json: json, in: .live())
    }
}
