import Shared
import Synchronization

/// `pgaf-host watch`: the formation look after look, also of a machine that goes away and comes back.
enum Watch {
    struct Options: Sendable, Equatable {
        var choice = ConfigurationChoice()
        /// Seconds between two looks.
        var interval = 1.0
        var json = false
    }

    /// Ends with Ctrl-C, which is how it is meant to end.
    static func run(_ options: Options, in context: HostContext) async throws {
        let view = view(options, context)
        defer { view.finish() }
        do {
            try await Interrupts.handling(
                decide: { _ in .stop }, onSecond: { view.finish() }, { try await follow(options, view, in: context) })
        } catch is CancellationError {
            // Somebody has seen enough.
        }
    }

    /// Looks until the task is cancelled.
    ///
    /// - Throws: what keeps it from a first look, and what does not pass by itself, such as another host key.
    static func follow(_ options: Options, _ view: any WatchView, in context: HostContext) async throws {
        let configuration = try context.currentConfiguration(options.choice)
        let machine = try await context.machine(configuration)
        var client = try await context.agent(over: try await machine.connect(), configuration)
        let seen = FirstLook()
        while true {
            do {
                let ports = await HostPorts(machine, configuration)
                try await client.watch(cluster: configuration.cluster, interval: options.interval) { look in
                    if seen.isWorthShowing(look) { view.show(look.map(ports.applied)) }
                }
                await client.connection.close()
            } catch {
                await client.connection.close()
                try Task.checkCancellation()
                let known = PgafError.wrapping(error, doing: "watching the formation")
                guard seen.isNoted, passing.contains(known.code) else { throw error }
                view.show(.failure(known))
            }
            client = try await again(configuration, machine, view, context)
        }
    }

    /// What a machine says that is stopped, restarted or made anew, besides what a run survives as well.
    private static let passing = AgentRun.passing.union([
        .agentMissing, .agentDied, .commandFailed, .clusterNotFound, .dockerUnavailable,
    ])

    /// Waits with growing pauses until the machine answers again.
    private static func again(
        _ configuration: Configuration, _ machine: any Machine, _ view: any WatchView, _ context: HostContext
    ) async throws -> AgentClient {
        let wait = Wait(
            for: "the machine to answer again", upTo: .seconds(7 * 86_400), every: .milliseconds(500),
            growingTo: .seconds(10), hint: "Run `pgaf-host up`.", code: .machineUnreachable)
        return try await wait.until {
            do {
                return .found(try await context.agent(over: try await machine.connect(), configuration))
            } catch let error as PgafError where passing.contains(error.code) {
                view.show(.failure(error))
                return .notYet(error.message)
            }
        }
    }

    private static func view(_ options: Options, _ context: HostContext) -> any WatchView {
        if options.json { return WatchJSON(output: context.output) }
        let canDraw = context.terminal.outputIsTerminal && context.environment["TERM", default: "dumb"] != "dumb"
        guard canDraw else { return WatchLines(output: context.output) }
        return WatchScreen(
            output: context.output, style: TerminalStyle(environment: context.environment),
            size: context.terminal.size, interval: options.interval)
    }
}

/// Whether the formation was seen at all: until then a failure ends the watching.
private final class FirstLook: Sendable {
    private let noted = Atomic(false)
    private let failed = Atomic(false)

    var isNoted: Bool { noted.load(ordering: .relaxed) }

    /// An agent that cannot begin says so once and ends, which is an error of its own; one that goes on is believed.
    func isWorthShowing(_ look: FormationLook) -> Bool {
        if case .success = look {
            noted.store(true, ordering: .relaxed)
            return true
        }
        return isNoted || failed.exchange(true, ordering: .relaxed)
    }
}
