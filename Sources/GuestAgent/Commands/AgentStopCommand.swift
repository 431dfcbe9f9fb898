import ArgumentParser
import Shared

/// `pgaf-agent stop`: standbys, primary, monitor.
struct AgentStopCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop the cluster in order: standbys, primary, monitor.")

    @OptionGroup var verb: OrderVerb

    var printsJSON: Bool { verb.printsJSON }

    func run() async throws { try await verb.run(ClusterOrder.stop) }
}

/// `pgaf-agent start`: monitor, primary, standbys, until all are healthy.
struct AgentStartCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Start the cluster in order and wait until it is healthy.")

    @OptionGroup var verb: OrderVerb

    var printsJSON: Bool { verb.printsJSON }

    func run() async throws { try await verb.run(ClusterOrder.start) }
}
