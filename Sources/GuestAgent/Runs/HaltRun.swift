import Shared
import Synchronization

/// One run of `stop` or `start` from the request to its result, in an order that nobody takes for a failure.
///
/// The primary outlives its standbys and the monitor outlives all, so no failover begins; back it goes the other way
/// round. Containers that were stopped stay so after a reboot.
struct HaltRun: Sendable {
    let runner: any CommandRunner
    let store: ClusterStore
    let request: Request
    /// `stop` or `start`; `down` is a `RemovalRun`.
    let order: ClusterOrder
    let events: EventWriter
    /// Ends the run before its next container, or in the wait that it is in.
    var stop = StopSign()

    /// Does the work and writes exactly one result.
    ///
    /// - Returns: the process's exit code.
    func run() async -> Int32 {
        let run = OrderedRun(runner: runner, store: store, request: request, order: order, events: events, stop: stop)
        return await run.run("doing what `\(order.verb)` does") { context in
            order == .stop ? try await stopAll(context) : try await startAll(context)
        }
    }

    /// Nodes that the configuration does not have any more are stopped as well: they would come back with the engine.
    ///
    /// - Throws: `docker.failed`, `docker.unavailable`.
    private func stopAll(_ context: AgentContext) async throws -> RunResult {
        // Containers that rest with their engine come back with it, and not as if somebody had stopped them.
        let hasEngine = try await DockerEngine(runner: runner, files: store.files).isAvailable(events)
        let (monitor, wanted) = names(context)
        let former =
            hasEngine
            ? try await context.docker.labelled("container", cluster: context.configuration.cluster, role: "node")
                .filter { !wanted.contains($0) } : []
        let nodes = wanted + former
        let running = try await context.docker.containers([monitor] + nodes).filter { $0.value.running }.map(\.key)
        let primaries = try await context.monitor.rows()?.filter(\.isPrimary).map(\.name) ?? []
        let names = (nodes.filter { !primaries.contains($0) } + primaries + [monitor]).filter(running.contains)
        let steps = zip(names, [nil] + names).map { name, before in
            DecidedStep(
                id: "stop.\(name)", title: "\(name) stops", dependencies: before.map { ["stop.\($0)"] } ?? [],
                change: "stop the container \(name)"
            ) { context in
                try await context.docker.checked(["stop", name], what: "The container \(name) could not be stopped.")
            }
        }
        let changed = try await StepGraph(steps, goingOn: order.goingOn).run(context)
        for name in former where names.contains(name) {
            await context.warnings.add(
                "\(name), which the configuration does not have any more, was stopped as well; the next `up` takes it out"
                    + " of the formation.")
        }
        return RunResult(status: .ok, changed: changed, cluster: ClusterChange(order, containers: names))
    }

    /// - Throws: `docker.failed`, `docker.unavailable`, `cluster.not-found` when a container is missing, `monitor.failed`,
    ///   `node.failed` when they do not become healthy.
    private func startAll(_ context: AgentContext) async throws -> RunResult {
        _ = try await DockerEngine(runner: runner, files: store.files).isAvailable(events)
        let (monitor, nodes) = names(context)
        let found = try await context.docker.containers([monitor] + nodes)
        let missing = ([monitor] + nodes).filter { found[$0] == nil }
        guard missing.isEmpty else {
            throw PgafError(
                .clusterNotFound, "There is no container \(missing.joined(separator: ", ")) to start.",
                remedy: "Run `up`, which makes what is missing.")
        }
        let paused = Set(found.filter { $0.value.status == "paused" }.keys)
        let resting = Set(found.filter { !$0.value.running }.keys).union(paused)
        let formation = Mutex<FormationState?>(nil)
        let steps = [
            DecidedStep(
                id: "start.\(monitor)", title: "\(monitor) starts and answers", dependencies: [],
                change: resting.contains(monitor) ? "start the container \(monitor)" : nil
            ) { context in
                if resting.contains(monitor) { try await start(monitor, isPaused: paused.contains(monitor), context) }
                try await awaitMonitor(monitor, context)
            },
            DecidedStep(
                id: "start.nodes", title: "the nodes start, the primary first", dependencies: ["start.\(monitor)"],
                change: resting.isDisjoint(with: nodes)
                    ? nil : "start the containers \(nodes.filter(resting.contains).joined(separator: ", "))"
            ) { context in
                let primaries = try await context.monitor.rows()?.filter(\.isPrimary).map(\.name) ?? []
                let order = primaries.filter(nodes.contains) + nodes.filter { !primaries.contains($0) }
                for name in order where resting.contains(name) {
                    if context.stop.isRaised { throw CancellationError() }
                    try await start(name, isPaused: paused.contains(name), context)
                    await context.events.write(
                        .stepProgress(step: "start.nodes", fraction: nil, message: "started \(name)"))
                }
            },
            DecidedStep(
                id: "settle", title: "every node takes its place", dependencies: ["start.nodes"], change: nil
            ) { context in
                let healthy = try await awaitHealth(context)
                formation.withLock { $0 = healthy }
            },
        ]
        let changed = try await StepGraph(steps, goingOn: order.goingOn).run(context)
        let state = formation.withLock { $0 }
        if let state { await events.write(.state(state)) }
        return RunResult(
            status: .ok, changed: changed,
            cluster: ClusterChange(
                order, containers: ([monitor] + nodes).filter(resting.contains), formation: state))
    }

    private func names(_ context: AgentContext) -> (monitor: String, nodes: [String]) {
        (context.configuration.monitor.name, context.configuration.nodes.map(\.name))
    }

    private func start(_ name: String, isPaused: Bool, _ context: AgentContext) async throws {
        try await context.docker.checked(
            [isPaused ? "unpause" : "start", name], what: "The container \(name) could not be started.")
    }

    private func awaitMonitor(_ monitor: String, _ context: AgentContext) async throws {
        let wait = Wait(
            for: "the monitor to answer", upTo: .seconds(300), every: .milliseconds(200), sparing: true,
            hint: "Look at `docker logs \(monitor)` on the machine.", code: .monitorFailed)
        try await context.wait(wait, step: "start.\(monitor)") {
            try await context.monitor.rows() == nil ? .notYet("it takes no connections") : .found(())
        }
    }

    private func awaitHealth(_ context: AgentContext) async throws -> FormationState {
        var reader = FormationReader(runner: runner, files: store.files, topology: context.topology)
        reader.excusesMaintenance = true
        let wait = Wait(
            for: "the formation to be healthy", upTo: .seconds(900), every: .milliseconds(500), sparing: true,
            hint: "Look at `pgaf-agent status` on the machine, then run `up`.", code: .nodeFailed)
        return try await context.wait(wait, step: "settle") { [reader] in
            guard let state = try await reader.read() else { return .notYet("the Docker engine does not answer") }
            return state.healthy ? .found(state) : .notYet(state.notes.joined(separator: "; "))
        }
    }
}
