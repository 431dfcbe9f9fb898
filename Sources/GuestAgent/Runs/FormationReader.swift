import Shared

/// Reads the formation as the monitor and Docker see it now.
public struct FormationReader: Sendable {
    let runner: any CommandRunner
    let sessions: PsqlSessions?
    let files: MachineFiles
    let topology: ClusterTopology
    /// Whether a node that somebody has taken out of service is as it should be.
    var excusesMaintenance = false
    /// Whether it is told who has the machine for itself: to those who look from outside, not to a run about itself.
    var tellsOfWork = false

    public init(
        runner: any CommandRunner, sessions: PsqlSessions? = nil, files: MachineFiles, topology: ClusterTopology
    ) {
        self.runner = runner
        self.sessions = sessions
        self.files = files
        self.topology = topology
    }

    /// The state; nil when there is no Docker engine to ask.
    public func read() async throws -> FormationState? {
        let docker = Docker(runner: runner)
        guard try await docker.engineVersion() != nil else { return nil }
        let configuration = topology.configuration
        let psql = Psql(runner: runner, sessions: sessions)
        let monitor = Monitor(container: configuration.monitor.name, psql: psql)
        async let seen = docker.containers(topology.containerNames)
        async let answered = monitor.rows()
        let statuses = try await seen
        var rows = try await answered.map { statuses.current($0, monitor: configuration.monitor.name) }
        if let current = rows { rows = try await StreamingReplication(psql: psql).look(current) }
        let containers = Dictionary(
            uniqueKeysWithValues: configuration.nodes.map { ($0.name, statuses[$0.name]?.status ?? "missing") })
        let head = rows?.filter(\.isPrimary).compactMap { LSN($0.lsn) }.max()
        let nodes = configuration.nodes.map { node in
            Self.node(node, row: rows?.first { $0.name == node.name }, container: containers[node.name], head: head)
        }
        var notes = containers.filter { $0.value != "running" }.map { "container \($0.key) is \($0.value)" }.sorted()
        let status = statuses[configuration.monitor.name]?.status ?? "missing"
        if status != "running" { notes.append("the monitor's container is \(status)") }
        if let rows {
            let excused = excusesMaintenance ? rows.filter(\.isInMaintenance).map(\.name) : []
            notes += FormationJudgement.notes(
                rows, names: configuration.nodes.map(\.name).filter { !excused.contains($0) })
        } else {
            notes.append("the monitor does not answer")
        }
        let expectation = FormationExpectation(
            topology: topology, rows: rows, monitor: status, containers: containers)
        // `start` brings back what was there; only `up` changes it.
        if !excusesMaintenance, let note = expectation.lackOfSuccessors { notes.append(note) }
        let expected = expectation.awaited
        let holder = tellsOfWork ? MachineLock(store: ClusterStore(files: files), holder: "").currentHolder : nil
        // What one could type would be refused until that one has ended.
        let awaited =
            holder.map { [FormationJudgement.work(of: $0)] + expected.filter { $0.command == nil } } ?? expected
        return FormationState(
            cluster: configuration.cluster, monitor: status, nodes: nodes, healthy: notes.isEmpty, notes: notes,
            awaited: awaited.isEmpty ? nil : awaited, warnings: warnings.isEmpty ? nil : warnings)
    }

    /// What is allowed but should be known.
    private var warnings: [String] {
        ConfigurationValidator.warnings(for: topology.configuration)
            + CertificateStore(files: files, topology: topology).warnings()
    }

    static func node(_ node: NodeSettings, row: Monitor.Row?, container: String?, head: LSN?) -> FormationState.Node {
        var result = FormationState.Node(
            name: node.name, host: row?.host ?? node.effectiveHostname, port: row?.port ?? ContainerLayout.port)
        result.container = container
        result.publishedPort = node.port
        guard let row else { return result }
        result.id = row.id
        result.reportedState = row.reported
        result.assignedState = row.assigned
        result.health = row.health
        result.lsn = row.lsn
        result.timeline = row.timeline
        result.candidatePriority = row.priority
        result.replicationQuorum = row.quorum
        if let head, let own = LSN(row.lsn) { result.lag = max(0, Int(head.bytes) - Int(own.bytes)) }
        return result
    }
}

/// A position in the write-ahead log as PostgreSQL writes it: `0/5000148`.
struct LSN: Comparable {
    var bytes: UInt64

    init?(_ text: String) {
        let parts = text.split(separator: "/")
        guard parts.count == 2, let high = UInt64(parts[0], radix: 16), let low = UInt64(parts[1], radix: 16),
            high <= UInt64(Int32.max), low <= UInt64(UInt32.max)
        else { return nil }
        bytes = high << 32 | low
    }

    static func < (left: LSN, right: LSN) -> Bool { left.bytes < right.bytes }
}
