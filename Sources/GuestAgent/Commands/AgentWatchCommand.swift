import ArgumentParser
import Shared

/// `pgaf-agent watch`: the formation again and again, for people and for `pgaf-host watch`.
struct AgentWatchCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Show what changes in the formation, until Ctrl-C.")

    @OptionGroup var options: ClusterOptions

    @Option(help: ArgumentHelp("The pause between two looks.", valueName: "seconds"))
    var interval = 1.0

    @Flag(help: "Print each look as one JSON object a line, and a failed one as `{\"error\": …}`.")
    var json = false

    var printsJSON: Bool { json }

    func validate() throws {
        guard (0.1...3600).contains(interval) else {
            throw ValidationError("--interval takes 0.1 to 3600 seconds, not \(interval).")
        }
    }

    func run() async throws {
        let store = ClusterStore()
        let runner = SubprocessRunner()
        let topology = try await options.topology(store: store, runner: runner)
        let watch = FormationWatch(
            reader: FormationReader(
                runner: runner, sessions: PsqlSessions(turnstile: .forPrograms()), files: store.files,
                topology: topology),
            interval: .seconds(interval))
        var memory = WatchMemory()
        try await watch.run { look in
            if json {
                // A reader that went away ends the watching.
                try Output.event(try FormationWatch.line(look))
                return
            }
            for line in memory.take(look) { try Output.event("\(Timestamp.now())  \(TerminalText.clean(line))") }
        }
    }
}
