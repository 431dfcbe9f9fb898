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
    /// The user's own; nil when the cluster makes some.
    public var certificates: SuppliedCertificates?
    public var warnings: Warnings
    /// Whether what the machine lacks comes from the parts of a bundle (`BundlePlace`) alone.
    var bundle = false
    /// Asked at each step boundary and while something is waited for.
    public var stop: StopSign
    /// When the run began.
    private let begun = ContinuousClock.now

    public init(
        runner: any CommandRunner, sessions: PsqlSessions? = nil, files: MachineFiles = MachineFiles(),
        events: EventWriter, topology: ClusterTopology, secrets: ClusterSecrets,
        certificates: SuppliedCertificates? = nil,
        warnings: Warnings = Warnings(), stop: StopSign = StopSign()
    ) {
        self.runner = runner
        self.sessions = sessions
        self.files = files
        self.events = events
        self.topology = topology
        self.secrets = secrets
        self.certificates = certificates
        self.warnings = warnings
        self.stop = stop
    }

    public var configuration: Configuration { topology.configuration }
    /// Whether the look is for a plan: what an earlier step will do is not done yet.
    var isPlanning: Bool { snapshot != nil }
    public var docker: Docker { Docker(runner: runner, snapshot: snapshot) }
    public var psql: Psql { Psql(runner: runner, sessions: sessions) }
    var apt: Apt { Apt(runner: runner, proxy: configuration.packages[.proxy]) }
    var repositories: AptRepositories {
        AptRepositories(runner: runner, files: files, proxy: configuration.packages[.proxy])
    }
    var monitor: Monitor { Monitor(container: configuration.monitor.name, psql: psql) }

    /// Waits with heartbeats in the name of a step; nothing is half done then, so a raised stop sign ends the wait, and so
    /// do a full disk and an engine that stays away.
    ///
    /// - Parameter container: what is waited for happens in it.
    public func wait<Value: Sendable>(
        _ wait: Wait, step: String, in container: String? = nil,
        _ condition: @Sendable () async throws -> Wait.Observation<Value>
    ) async throws -> Value {
        let interval = topology.facts.lookInterval
        let watch = MachineWatch(
            docker: docker, disk: DockerDisk(runner: runner, files: files), container: container,
            // It decides what becomes of the others.
            needing: [configuration.monitor.name], since: begun, every: interval, patience: interval * 6)
        return try await events.wait(wait, step: step) {
            if stop.isRaised { throw CancellationError() }
            let seen = try await condition()
            if case .notYet = seen { try await watch.look() }
            return seen
        }
    }

    /// A line of a tool's output in the name of a step.
    public func output(_ step: String) -> @Sendable (String) async -> Void {
        { line in await events.write(.stepOutput(step: step, line: line)) }
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
