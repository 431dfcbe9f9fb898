import Shared

/// Everything that a step may touch, handed on as one value.
public struct AgentContext: Sendable {
    public var runner: any CommandRunner
    public var sessions: PsqlSessions?
    /// Asked instead of Docker while a plan is made.
    var snapshot: DockerSnapshot?
    public var files: MachineFiles
    public var events: EventWriter
    public var topology: ClusterTopology
    public var secrets: ClusterSecrets
    public var warnings: Warnings

    public init(
        runner: any CommandRunner, sessions: PsqlSessions? = nil, files: MachineFiles = MachineFiles(),
        events: EventWriter, topology: ClusterTopology, secrets: ClusterSecrets, warnings: Warnings = Warnings()
    ) {
        self.runner = runner
        self.sessions = sessions
        self.files = files
        self.events = events
        self.topology = topology
        self.secrets = secrets
        self.warnings = warnings
    }

    public var configuration: Configuration { topology.configuration }
    public var docker: Docker { Docker(runner: runner, snapshot: snapshot) }
    public var psql: Psql { Psql(runner: runner, sessions: sessions) }

    /// Waits with heartbeats in the name of a step.
    public func wait<Value: Sendable>(
        _ wait: Wait, step: String, _ condition: @Sendable () async throws -> Wait.Observation<Value>
    ) async throws -> Value {
        let since = Timestamp.now()
        let pulse = Pulse()
        return try await wait.until(
            onWaiting: { wait, elapsed in
                guard await pulse.isDue(at: elapsed) else { return }
                await events.write(
                    .heartbeat(Heartbeat(step: step, awaiting: wait.description, since: since, until: nil)))
            }, condition)
    }

    /// A line of a tool's output in the name of a step.
    public func output(_ step: String) -> @Sendable (String) async -> Void {
        { line in await events.write(.stepOutput(step: step, line: line)) }
    }
}

/// Lets a heartbeat through after 1 s of waiting and then every 10 s.
actor Pulse {
    private var next = Duration.seconds(1)

    func isDue(at elapsed: Duration) -> Bool {
        guard elapsed >= next else { return false }
        next = elapsed + .seconds(10)
        return true
    }
}

/// Things that do not stop a run but that its user should know.
public actor Warnings {
    public private(set) var all: [String] = []

    public init() {}

    public func add(_ text: String) {
        if !all.contains(text) { all.append(text) }
    }
}
