import Shared
import Synchronization

/// One run of `down` from the request to its result: the cluster's containers, their volumes and networks, and in the end
/// what the machine remembers of it.
///
/// The memory goes last, so that a run that ended half-way is gone on with by the next one.
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
        let removal = ClusterRemoval(runner: runner, store: store)
        let found = try await removal.objects(cluster)
        try await removal.refuseGuests(of: found)
        let removed = Mutex<[String]>([])
        var steps: [DecidedStep] = []
        func add(
            _ id: String, _ title: String, _ change: String, _ work: @escaping @Sendable () async throws -> [String]
        ) {
            steps.append(
                DecidedStep(
                    id: "remove.\(id)", title: title, dependencies: steps.last.map { [$0.id] } ?? [], change: change
                ) { _ in
                    let lines = try await work()
                    removed.withLock { $0 += lines }
                })
        }
        for (kind, names) in found {
            let what = "\(kind)s"
            add(what, "the \(what) of the cluster go", "remove the \(what) \(names.joined(separator: ", "))") {
                try await removal.remove(names, kind)
            }
        }
        if let memory = removal.memory(cluster) {
            add("memory", "the machine forgets the cluster", "remove \(memory)") {
                try store.remove(cluster)
                return [memory]
            }
        }
        let changed = try await StepGraph(steps, goingOn: ClusterOrder.down.goingOn).run(context)
        return RunResult(status: .ok, changed: changed, cluster: ClusterChange(removed: removed.withLock { $0 }))
    }
}
