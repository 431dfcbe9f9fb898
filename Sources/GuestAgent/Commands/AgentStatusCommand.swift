import ArgumentParser
import Shared

/// `pgaf-agent status`: the formation as the monitor and Docker see it now.
struct AgentStatusCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "Show the state of the cluster.")

    @OptionGroup var options: ClusterOptions

    @Flag(help: "Print one JSON object instead of a table.")
    var json = false

    var printsJSON: Bool { json }

    func run() async throws {
        let runner = SubprocessRunner()
        let store = ClusterStore()
        let topology = try await options.topology(store: store, runner: runner)
        var reader = FormationReader(runner: runner, files: store.files, topology: topology)
        reader.tellsOfWork = true
        guard let state = try await reader.read() else { throw PgafError.engineIsSilent }
        if json {
            try Output.json(state)
        } else {
            StatusTable.lines(state).forEach(Output.line)
        }
    }
}
