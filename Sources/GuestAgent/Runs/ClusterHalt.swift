import Shared

/// Stops a cluster's containers in an order that nobody takes for a failure, and starts them again.
///
/// The primary outlives its standbys and the monitor outlives all, so no failover begins; back it goes the other way
/// round. Containers that were stopped stay so after a reboot.
public struct ClusterHalt: Sendable {
    let runner: any CommandRunner
    let topology: ClusterTopology
    /// Started before the containers, where it is stopped.
    let engine: DockerEngine
    /// Told what has been done, a line a container.
    let tell: @Sendable (String) -> Void

    private var docker: Docker { Docker(runner: runner) }
    private var monitorName: String { topology.configuration.monitor.name }
    private var nodes: [String] { topology.configuration.nodes.map(\.name) }
    private var monitor: Monitor { Monitor(container: monitorName, psql: Psql(runner: runner)) }

    /// - Returns: the containers that were stopped, in their order.
    /// - Throws: `docker.failed`.
    public func stop() async throws -> [String] {
        let running = try await docker.containers([monitorName] + nodes).filter { $0.value.running }.map(\.key)
        let primaries = try await monitor.rows()?.filter(\.isPrimary).map(\.name) ?? []
        let order = nodes.filter { !primaries.contains($0) } + primaries + [monitorName]
        var stopped: [String] = []
        for name in order where running.contains(name) {
            try await docker.checked(["stop", name], what: "The container \(name) could not be stopped.")
            tell("stopped \(name)")
            stopped.append(name)
        }
        return stopped
    }

    /// Starts what is stopped and waits until the formation is healthy.
    ///
    /// - Throws: `docker.failed`, `docker.unavailable`, `cluster.not-found` when a container is missing, `node.failed` when it does not become
    ///   healthy.
    public func start() async throws -> FormationState {
        _ = try await engine.isAvailable()
        let found = try await docker.containers([monitorName] + nodes)
        let missing = ([monitorName] + nodes).filter { found[$0] == nil }
        guard missing.isEmpty else {
            throw PgafError(
                .clusterNotFound, "There is no container \(missing.joined(separator: ", ")) to start.",
                remedy: "Run `up`, which makes what is missing.")
        }
        try await start(monitorName, found)
        let rows = try await Wait(
            for: "the monitor to answer", upTo: .seconds(300), every: .milliseconds(200), sparing: true,
            hint: "Look at `docker logs \(monitorName)` on the machine.", code: .monitorFailed
        ).until { try await monitor.rows().map { .found($0) } ?? .notYet("it takes no connections") }
        let primaries = rows.filter(\.isPrimary).map(\.name).filter(nodes.contains)
        for name in primaries + nodes.filter({ !primaries.contains($0) }) { try await start(name, found) }
        return try await Wait(
            for: "the formation to be healthy", upTo: .seconds(900), every: .milliseconds(500), sparing: true,
            hint: "Look at `pgaf-agent status` on the machine, then run `up`.", code: .nodeFailed
        ).until {
            var reader = FormationReader(runner: runner, files: engine.files, topology: topology)
            reader.excusesMaintenance = true
            guard let state = try await reader.read() else {
                return .notYet("the Docker engine does not answer")
            }
            return state.healthy ? .found(state) : .notYet(state.notes.joined(separator: "; "))
        }
    }

    private func start(_ name: String, _ found: [String: ContainerStatus]) async throws {
        guard found[name]?.running != true else { return }
        try await docker.checked(["start", name], what: "The container \(name) could not be started.")
        tell("started \(name)")
    }
}
