import Shared
import Synchronization

/// One run of `down` from the request to its result: the cluster's containers, their volumes and networks, and in the end
/// what the machine remembers of it.
struct RemovalRun: Sendable {
    let runner: any CommandRunner
    let store: ClusterStore
    let request: Request
    let events: EventWriter
    /// Ends the run between two kinds of objects.
    var stop = StopSign()

    /// Does the work and writes exactly one result.
    ///
    /// - Returns: the process's exit code.
    func run() async -> Int32 {
        let run = OrderedRun(
            runner: runner, store: store, request: request, order: ClusterOrder.down, events: events, stop: stop,
            // Not even a memory that cannot be read keeps what is to be removed.
            state: ClusterState.nominal(.debian))
        return await run.run("removing the cluster") { try await remove(request.configuration.cluster, $0) }
    }

    /// - Throws: `docker.foreign-object` before anything is removed, `docker.failed`, `docker.unavailable`, `cancelled`.
    private func remove(_ cluster: String, _ context: AgentContext) async throws -> RunResult {
        let parts = try await ClusterRemoval(runner: runner, store: store).parts(cluster)
        let removed = Mutex<[String]>([])
        let steps = zip(parts, [nil] + parts.map(\.id)).map { part, before in
            DecidedStep(
                id: "remove.\(part.id)", title: part.title, dependencies: before.map { ["remove.\($0)"] } ?? [],
                change: part.change
            ) { _ in
                try await part.remove()
                removed.withLock { $0 += part.lines }
            }
        }
        let changed = try await StepGraph(steps, goingOn: ClusterOrder.down.goingOn).run(context)
        return RunResult(status: .ok, changed: changed, cluster: ClusterChange(removed: removed.withLock { $0 }))
    }
}
