import ArgumentParser
import Shared

/// `pgaf-agent version`: the release and the protocols it speaks.
struct AgentVersionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Versions: Encodable {
        var agent = PgafVersion.current
        var protocols = [Event.version]
    }

    func run() async throws {
        if json {
            try Output.json(Versions())
        } else {
            Output.line("pgaf-agent \(PgafVersion.current), protocol \(Event.version)")
        }
    }
}
