import Shared

/// One event of every type and shape, for round trips and the schema.
enum EventSamples {
    static let time = "2026-01-02T03:04:05.678Z"

    static let error = PgafError(
        .dockerFailed, "It failed with \"x\".", remedy: "Type `y`.", cause: "no room", output: ["one", "two"])

    static let bodies: [Event.Body] = [
        .hello(
            Hello(agent: "0.1.0", protocols: [1], kernel: "6.1.0", architecture: "x86_64", distribution: "Debian 12")),
        .plan([
            PlannedStep(id: "network", title: "Network", dependencies: [], action: .create, changes: ["make it"]),
            PlannedStep(
                id: "monitor", title: "Monitor", dependencies: ["network"], action: .change, changes: ["start it"],
                waits: ["wait for it"]),
            PlannedStep(id: "verify", title: "Verify", dependencies: ["monitor"], action: .none),
        ]),
        .stepStarted(step: "node.pgnode1"),
        .stepProgress(step: "image", fraction: 0.25, message: "Step 3/12"),
        .stepProgress(step: "image", fraction: nil, message: nil),
        .stepOutput(step: "image", line: "tab\there, \u{1B}[1mbold\u{1B}[0m, 🐘 / ü"),
        .stepFinished(step: "image", outcome: .changed, seconds: 4.5),
        .stepFinished(step: "image", outcome: .unchanged, seconds: 0),
        .stepFinished(step: "image", outcome: .skipped, seconds: 0.125),
        .stepFailed(step: "image", error: error, seconds: 1.5),
        .state(
            FormationState(
                cluster: "pgaf", monitor: "running", nodes: [bareNode, fullNode], healthy: false, notes: ["wait"],
                awaited: [
                    .init(name: "pgnode1", text: "wait", normally: .init(least: 1, most: 20)),
                    .init(name: nil, text: "type it", command: "pgaf-host up"),
                ], warnings: ["open"])),
        .state(FormationState(cluster: "pgaf", monitor: "running", nodes: [], healthy: true)),
        .heartbeat(Heartbeat(step: "monitor", awaiting: "the monitor", since: time, until: time)),
        .heartbeat(Heartbeat(step: nil, awaiting: "a lock", since: time, until: nil)),
        .result(RunResult(status: .ok, changed: 3, warnings: ["open"], connections: connections)),
        .result(RunResult(status: .failed, error: error)),
        .result(RunResult(status: .ok, changed: 1, roles: roles)),
        .result(RunResult(status: .ok, changed: 2, cluster: ClusterChange(.stop, containers: ["pgnode1", "monitor"]))),
        .result(RunResult(status: .ok, cluster: ClusterChange(.start, containers: [], formation: roles.formation))),
        .result(RunResult(status: .ok, changed: 2, cluster: ClusterChange(removed: ["container pgnode1"]))),
        .result(RunResult(status: .cancelled)),
    ]

    static let roles = RoleChange(
        verb: "failover", node: "pgnode1", from: "pgnode1", to: "pgnode2", secondsWithoutWrites: 13.25,
        resolution: 0.03,
        secondsUntilHealthy: 20,
        states: [.init(seconds: 0.1, node: "pgnode1", reported: "primary", assigned: "draining")],
        formation: FormationState(cluster: "pgaf", monitor: "running", nodes: [fullNode], healthy: true))

    static let connections = ConnectionInfo(
        user: "postgres", database: "myappdb",
        nodes: [ConnectionInfo.Endpoint(name: "pgnode1", address: "127.0.0.1", port: 5001)],
        monitor: ConnectionInfo.Endpoint(name: "monitor_node", address: "127.0.0.1", port: 5430),
        monitorUser: "autoctl_node",
        certificateAuthority: "MIIB")

    static let bareNode = FormationState.Node(name: "pgnode1", host: "172.30.7.11", port: 5432)

    static let fullNode: FormationState.Node = {
        var node = FormationState.Node(name: "pgnode2", host: "172.30.7.12", port: 5432)
        node.id = 2
        node.reportedState = "secondary"
        node.assignedState = "secondary"
        node.health = 1
        node.lsn = "0/3000148"
        node.lag = 16
        node.timeline = 1
        node.candidatePriority = 50
        node.replicationQuorum = true
        node.container = "running"
        node.publishedPort = 5002
        return node
    }()

    static func event(_ body: Event.Body, seq: Int = 1) -> Event { Event(run: "r1", seq: seq, time: time, body: body) }
}
