import ArgumentParser
import Shared

/// `pgaf-agent stop`: standbys, primary, monitor.
struct AgentStopCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop the cluster in order: standbys, primary, monitor.")

    @OptionGroup var options: ClusterOptions

    @Flag(help: "Print one JSON object at the end.")
    var json = false

    var printsJSON: Bool { json }

    func run() async throws {
        try await HaltVerb(options: options, name: "stop").run { halt in
            let stopped = try await halt.stop()
            if json {
                try Output.json(["stopped": stopped])
            } else if stopped.isEmpty {
                Output.line("nothing ran: nothing was stopped")
            }
        }
    }
}

/// `pgaf-agent start`: monitor, primary, standbys, until all are healthy.
struct AgentStartCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Start the cluster in order and wait until it is healthy.")

    @OptionGroup var options: ClusterOptions

    @Flag(help: "Print one JSON object at the end.")
    var json = false

    var printsJSON: Bool { json }

    func run() async throws {
        try await HaltVerb(options: options, name: "start").run { halt in
            let state = try await halt.start()
            if json {
                try Output.json(state)
            } else {
                for line in StatusTable.lines(state) { Output.line(line) }
            }
        }
    }
}

/// What both verbs do alike: the cluster, the machine's lock.
private struct HaltVerb {
    let options: ClusterOptions
    let name: String

    func run(_ work: (ClusterHalt) async throws -> Void) async throws {
        let (store, runner) = (ClusterStore(), SubprocessRunner())
        let topology = try await options.topology(store: store, runner: runner)
        let lock = try await MachineLock(store: store, holder: "`pgaf-agent \(name)`").take()
        defer { withExtendedLifetime(lock) {} }
        let engine = DockerEngine(runner: runner, files: store.files)
        try await work(ClusterHalt(runner: runner, topology: topology, engine: engine, tell: Output.error))
    }
}
