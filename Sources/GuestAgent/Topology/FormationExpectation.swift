import Shared

/// What becomes of a formation that is not as it should be: what is awaited and how long that normally takes, and what to
/// type where nothing happens by itself; pure. Has something to say whenever `FormationJudgement` has.
struct FormationExpectation: Sendable {
    typealias Awaited = FormationState.Awaited
    typealias Span = RecoveryTimes.Span

    let topology: ClusterTopology
    /// nil while the monitor does not answer.
    let rows: [Monitor.Row]?
    /// Docker's words for the monitor's container, and for those of the nodes by their names.
    let monitor: String
    let containers: [String: String]

    private var times: RecoveryTimes { topology.recoveryTimes }
    private var names: [String] { topology.configuration.nodes.map(\.name) }

    /// One sentence a thing: the monitor, each node, the formation, the settings by which a primary is chosen.
    var awaited: [Awaited] {
        let nodes = names.flatMap { name in
            container(name) ?? rows.map { rows in rows.first { $0.name == name }.map(node) ?? [unregistered(name)] }
                ?? []
        }
        return monitorItself + nodes + formation(nodes) + settings
    }

    // MARK: Containers

    /// What a container that does not run waits for; nil for one that runs.
    private func container(_ name: String) -> [Awaited]? {
        container(name, status: containers[name] ?? "missing", isMonitor: false)
    }

    private func container(_ name: String, status: String, isMonitor: Bool) -> [Awaited]? {
        let (up, start) = ("pgaf-host up", "pgaf-host start")
        switch status {
        case "running": return nil
        case "restarting":
            return [expect(name, "Docker restarts the container \(name)", isMonitor ? times.start : times.comesBack)]
        case "missing":
            let data = isMonitor ? "" : ", on its volume if that is still there"
            return [order(name, "there is no container \(name): `\(up)` makes it\(data)", up)]
        case "paused": return [order(name, "the container \(name) is paused: `\(up)` lets it go on", up)]
        case "exited":
            return [order(name, "the container \(name) was stopped and stays so: `\(start)` starts it", start)]
        default: return [order(name, "the container \(name) is \(status): `\(up)` starts it", up)]
        }
    }

    private var monitorItself: [Awaited] {
        let name = topology.configuration.monitor.name
        if let container = container(name, status: monitor, isMonitor: true) { return container }
        guard rows == nil else { return [] }
        return [expect(name, "the monitor \(name) is to answer; until then nobody notices failures", times.start)]
    }

    // MARK: Nodes

    private func unregistered(_ name: String) -> Awaited {
        order(
            name,
            "\(name) is not registered on the monitor: unless a run is at work on it, `pgaf-host up` registers it",
            "pgaf-host up")
    }

    /// What a registered node with a running container waits for.
    private func node(_ row: Monitor.Row) -> [Awaited] {
        let isSettled = row.reported == row.assigned && NodeState.lasting.contains(row.reported)
        guard isSettled else { return [overdue(moving(row), row)] }
        guard row.running else {
            let text = "PostgreSQL of \(row.name) is to be started by its pg_autoctl"
            return [expect(row.name, text, times.start + times.caughtUp)]
        }
        guard !row.isHealthy else { return row.streams == false ? [unconnected(row)] : [] }
        let text =
            row.health < 0
            ? "the monitor is to look at \(row.name), which it has not done since its start"
            : "\(row.name) is to answer the monitor's health checks again"
        let sooner = expect(row.name, text, times.start + times.seen)
        guard row.isPrimary, others(than: row.name) else { return [sooner] }
        return [
            expect(
                row.name, "\(text), or another node takes over", Span(sooner.normally?.least ?? 0, times.failover.most))
        ]
    }

    /// A standby that the monitor is content with, but not the primary.
    private func unconnected(_ row: Monitor.Row) -> Awaited {
        let (span, command) = (times.caughtUp, "pgaf-host up")
        return Awaited(
            name: row.name,
            text: "\(row.name) is to receive again what the primary writes: \(span.words);"
                + " if it does not, `\(command)` looks what is wrong",
            normally: .init(least: span.least, most: span.most), command: command)
    }

    /// Whether another node could be primary.
    private func others(than name: String) -> Bool {
        (rows ?? []).contains {
            $0.name != name && names.contains($0.name) && $0.priority > 0 && containers[$0.name] == "running"
        }
    }

    /// A node that has had twice the normal time and a minute does not come by itself any more; a copy takes as long as it
    /// takes.
    private func overdue(_ awaited: Awaited, _ row: Monitor.Row) -> Awaited {
        guard let most = awaited.normally?.most, row.sinceAssigned > most * 2 + 60,
            !(rows ?? []).contains(where: isCopying)
        else { return awaited }
        let command = "pgaf-host up"
        return Awaited(
            name: awaited.name,
            text: awaited.text + ", and \(row.sinceAssigned) s have passed: `\(command)` looks what is wrong",
            normally: awaited.normally, command: command)
    }

    /// Whether a node copies the primary's data, for which others may wait too.
    private func isCopying(_ row: Monitor.Row) -> Bool {
        let early = ["init", "wait_standby"]
        return early.contains(row.assigned) || early.contains(row.reported) && row.assigned == "catchingup"
    }

    private func moving(_ row: Monitor.Row) -> Awaited {
        let name = row.name
        // A standby that has to follow another primary reports what it was until then.
        let now = row.reported == "secondary" ? "(assigned \(row.assigned))" : "(now \(row.reported))"
        switch row.assigned {
        case _ where isCopying(row):
            return expect(
                name, "\(name) is to become secondary \(now); it copies the primary's data, which may be much",
                times.copy + times.caughtUp)
        case "secondary", "catchingup", "join_secondary":
            // After a failover the old primary is first rewound to where the new one began.
            let work = ["demoted", "demote_timeout", "draining"].contains(row.reported) ? times.start : Span(0, 0)
            let again = row.reported == "secondary" ? " again" : ""
            return expect(name, "\(name) is to become secondary\(again) \(now)", work + times.caughtUp)
        case "wait_primary" where row.reported == "wait_primary":
            return alone(row)
        case "prepare_promotion", "stop_replication", "wait_primary", "fast_forward":
            return expect(name, "\(name) is to become primary \(now)", times.promotion)
        case "primary", "single", "join_primary", "apply_settings":
            return expect(name, "\(name) is to become primary \(now)", times.turn * 2)
        case "report_lsn":
            return expect(
                name, "\(name) takes part in choosing a new primary \(now)", Span(times.turn.least, times.givenUp.most))
        case "draining", "demote_timeout", "demoted":
            return expect(
                name, "\(name) gives up being primary \(now), then becomes secondary",
                times.turn + Span(0, times.demoted.most) + times.start + times.caughtUp)
        case "maintenance" where row.reported == "maintenance":
            let command = "pgaf-host maintenance disable \(name)"
            return order(name, "\(name) is in maintenance: `\(command)` ends it", command)
        case "prepare_maintenance", "wait_maintenance", "maintenance":
            return expect(name, "\(name) is to go into maintenance \(now)", times.promotion)
        case "dropped":
            return order(
                name, "\(name) leaves the formation \(now): `pgaf-host up` registers it again", "pgaf-host up")
        default:
            return expect(name, "\(name) is to become \(row.assigned) \(now)", times.promotion)
        }
    }

    /// A primary without a standby: what it waits for is theirs.
    private func alone(_ row: Monitor.Row) -> Awaited {
        let text = "\(row.name) takes writes that no standby confirms (wait_primary) until one is secondary"
        let coming = (rows ?? []).filter { $0.name != row.name && containers[$0.name] == "running" }
        guard !coming.isEmpty else { return Awaited(name: row.name, text: text) }
        return expect(row.name, text, times.caughtUp + times.turn)
    }

    // MARK: The formation

    /// Who takes writes, where the nodes' own sentences do not say it.
    private func formation(_ nodes: [Awaited]) -> [Awaited] {
        guard let rows, !rows.isEmpty else { return [] }
        let primaries = rows.filter { NodeState.lastingPrimary.contains($0.reported) }
        let lost = rows.first {
            $0.isPrimary && containers[$0.name].map { $0 != "running" && $0 != "restarting" } ?? false
        }
        if let lost, lost.assigned == lost.reported {
            guard others(than: lost.name) else {
                return [Awaited(name: nil, text: "nobody takes writes: no other node can be primary than \(lost.name)")]
            }
            return [expect(nil, "another node is to take over from \(lost.name)", times.failover)]
        }
        if primaries.count > 1, nodes.isEmpty {
            let who = primaries.map(\.name).joined(separator: " and ")
            return [expect(nil, "\(who) both report to be primary; one of them is to give up", times.failover)]
        }
        if primaries.isEmpty, nodes.isEmpty {
            return [expect(nil, "a primary is to be chosen", times.failover)]
        }
        return []
    }

    // MARK: Failover settings

    /// Settings of nodes that are not the configuration's, which `up` would set: a run that was killed while it restarted
    /// a primary has taken the others' candidate priorities, or somebody has typed other ones.
    private var settings: [Awaited] {
        topology.configuration.nodes.compactMap { node -> Awaited? in
            // Beyond what one may set: pg_auto_failover's own for as long as it promotes a node.
            guard let row = rows?.first(where: { $0.name == node.name }), (0...100).contains(row.priority) else {
                return nil
            }
            var differing: [String] = []
            if row.priority != node.candidatePriority {
                differing.append("the candidate priority \(row.priority) instead of \(node.candidatePriority)")
            }
            if row.quorum != node.replicationQuorum {
                differing.append("the replication quorum \(row.quorum) instead of \(node.replicationQuorum)")
            }
            guard !differing.isEmpty else { return nil }
            let command = "pgaf-host up"
            return order(
                node.name,
                "\(node.name) has \(differing.joined(separator: " and ")): `\(command)` sets what the configuration says",
                command)
        }
    }

    /// Why a formation is not healthy in which nobody could take over although the configuration has nodes that may; nil
    /// where somebody could, and where the configuration has nobody for that.
    var lackOfSuccessors: String? {
        guard let rows, let primary = rows.first(where: \.isPrimary) else { return nil }
        let others = rows.filter { $0.name != primary.name }
        let mayTakeOver = topology.configuration.nodes.contains { node in
            node.candidatePriority > 0 && others.contains { $0.name == node.name }
        }
        guard mayTakeOver, others.allSatisfy({ $0.priority == 0 }) else { return nil }
        return "no node could take over from \(primary.name): the candidate priority of all others is 0"
    }

    private func expect(_ name: String?, _ text: String, _ span: Span) -> Awaited {
        Awaited(
            name: name, text: "\(text): \(span.words)", normally: .init(least: span.least, most: span.most))
    }

    private func order(_ name: String, _ text: String, _ command: String) -> Awaited {
        Awaited(name: name, text: text, command: command)
    }
}
