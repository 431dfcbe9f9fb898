import Shared

/// Whether a change of roles can be done safely as the formation is now, and who is concerned by it; pure.
struct RoleJudgement: Sendable {
    let order: RoleOrder
    /// Nodes of the configuration.
    let names: [String]
    let monitor: String
    let rows: [Monitor.Row]
    /// Docker's words for the nodes' containers, by their names.
    let containers: [String: String]
    /// How many standbys have to confirm each commit.
    let syncStandbys: Int

    /// Who is concerned.
    struct Roles: Sendable, Equatable {
        var primary: String
        /// Who fails, hands over, or goes into maintenance or comes from it.
        var node: String
        /// Who is to be primary, where that is asked for.
        var target: String?

        /// Whether another node has to become primary.
        var isPrimaryConcerned: Bool { node == primary }
    }

    /// - Throws: `usage` for a node that does not exist; `failover.refused` with the reason and what to type.
    func roles() throws -> Roles {
        if let node = order.node { try requireKnown(node) }
        let primary = try primary()
        switch order {
        case .switchover(let target):
            try requireSuccessor(of: primary, target)
            return Roles(primary: primary, node: primary, target: target)
        case .failover(let node, .order):
            if let node, node != primary {
                throw refusal(
                    "\(node) is no primary, and only a primary can be ordered to hand over",
                    "Leave --order out to let \(node) fail, or make \(node) primary with"
                        + " `pgaf-host switchover --to \(node)`.")
            }
            try requireSuccessor(of: primary, nil)
            return Roles(primary: primary, node: primary)
        case .failover(let node, .crash):
            let node = node ?? primary
            if node == primary { try requireSuccessor(of: primary, nil, survivesIt: false) }
            try requireService(node)
            return Roles(primary: primary, node: node)
        case .maintenance(let node, .disable):
            guard inMaintenance.contains(node) else {
                throw refusal("\(node) is in no maintenance", "Look at `pgaf-host status`.", states)
            }
            return Roles(primary: primary, node: node)
        case .maintenance(let node, let turn):
            try requireMaintenance(node, primary, turn)
            return Roles(primary: primary, node: node)
        }
    }

    /// Nodes that are in maintenance now: nobody expects them to be healthy.
    var inMaintenance: Set<String> { Set(rows.filter(\.isInMaintenance).map(\.name)) }

    private func row(_ name: String) -> Monitor.Row? { rows.first { $0.name == name } }

    private var working: [String] { names.filter { !inMaintenance.contains($0) } }

    private var states: String {
        names.map { "\($0): \(row($0)?.reported ?? "not registered")" }.joined(separator: ", ")
    }

    private func refusal(_ reason: String, _ remedy: String, _ cause: String? = nil) -> PgafError {
        PgafError(
            .failoverRefused, "The \(order.verb) is refused, and nothing was changed: \(reason).", remedy: remedy,
            cause: cause)
    }

    // MARK: What has to be so

    private func requireKnown(_ node: String) throws {
        guard !names.contains(node) else { return }
        let nearest = EditDistance.nearest(to: node, in: names)
        let meant = nearest.map { "Did you mean \($0)? " } ?? ""
        throw PgafError(
            .usage,
            node == monitor
                ? "\(node) is the monitor, which has no role to change."
                : "There is no node \"\(TerminalText.clean(String(node.prefix(80))))\" in the cluster.",
            remedy: "\(meant)Name one of \(names.joined(separator: ", ")).")
    }

    /// Name of the node that takes writes.
    private func primary() throws -> String {
        let found = rows.filter { names.contains($0.name) && $0.isPrimary && $0.isSettled }
        guard found.count == 1, let primary = found.first else {
            throw refusal(
                found.isEmpty ? "no node takes writes now" : "more than one node reports to be primary",
                "Wait until `pgaf-host status` shows one primary; it says what is awaited and what to do.", states)
        }
        return primary.name
    }

    /// What every change needs that takes the primary's role from it, or a standby from the others.
    private func requireSettled() throws {
        let notes = FormationJudgement.notes(rows, names: working)
        guard notes.isEmpty else {
            throw refusal(
                "the formation is not settled: \(notes.joined(separator: "; "))",
                "Wait until `pgaf-host status` shows it healthy; it says what is awaited and what to do.")
        }
    }

    /// - Parameter survivesIt: whether the present primary, which is in the quorum as well, can tell the others how far it
    ///   has come: the monitor chooses nobody before enough nodes of the quorum have done so.
    private func requireSuccessor(of primary: String, _ target: String?, survivesIt: Bool = true) throws {
        guard names.count > 1 else {
            throw refusal(
                "the cluster has only the node \(primary)", "Add standbys with `pgaf-host up --nodes 3`.")
        }
        if target == primary {
            throw refusal("\(primary) is primary already", "Name another node, or leave --to out.")
        }
        try requireSettled()
        let others = names.filter { $0 != primary }
        let obstacles = (target.map { [$0] } ?? others).map { ($0, obstacle($0)) }
        guard obstacles.contains(where: { $0.1 == nil }) else {
            let why = obstacles.map { "\($0) \($1 ?? "")" }.joined(separator: "; ")
            throw refusal(
                target.map { "\($0) cannot become primary" } ?? "no other node can become primary",
                "Look at `pgaf-host status`: a healthy secondary whose candidate priority is not 0 is needed.", why)
        }
        let voices = confirming(without: primary) + (survivesIt && row(primary)?.quorum == true ? 1 : 0)
        guard voices >= syncStandbys + 1 else {
            throw refusal(
                "\(syncStandbys + 1) nodes that confirm commits have to take part in choosing the next primary, and"
                    + " \(voices == 0 ? "none" : "only \(voices)") could",
                "End the maintenance of other nodes first (`pgaf-host maintenance disable NODE`), or wait for them.",
                states)
        }
    }

    /// Why a node cannot become primary now; nil when it can.
    private func obstacle(_ name: String) -> String? {
        guard let row = row(name) else { return "is not registered on the monitor" }
        if let container = containers[name], container != "running" { return "has a container that is \(container)" }
        if row.reported != "secondary" || row.assigned != "secondary" { return "is \(row.reported)" }
        if !row.isHealthy { return "is not seen healthy by the monitor" }
        return row.priority > 0 ? nil : "has the candidate priority 0"
    }

    /// How many standbys there are that confirm commits.
    fileprivate func confirming(without names: String...) -> Int {
        working.count { name in
            guard !names.contains(name), let row = row(name), containers[name] ?? "running" == "running" else {
                return false
            }
            return row.reported == "secondary" && row.isHealthy && (row.quorum || syncStandbys == 0)
        }
    }

    private func requireService(_ node: String) throws {
        if inMaintenance.contains(node) {
            throw refusal("\(node) is in maintenance", "End that first: `pgaf-host maintenance disable \(node)`.")
        }
        if let container = containers[node], container != "running" {
            throw refusal("the container \(node) is \(container) already", "Start it with `pgaf-host start`.")
        }
        try requireSettled()
    }

    private func requireMaintenance(_ node: String, _ primary: String, _ turn: RoleOrder.MaintenanceTurn) throws {
        if inMaintenance.contains(node) {
            throw refusal("\(node) is in maintenance already", "`pgaf-host maintenance disable \(node)` ends it.")
        }
        guard node != primary else {
            try requireSuccessor(of: primary, nil, survivesIt: false)
            guard turn == .enableWithFailover else {
                throw refusal(
                    "\(node) is primary, so another node would have to take over",
                    "Add --allow-failover if it may; clients cannot write for some seconds then.")
            }
            return
        }
        try requireSettled()
        guard names.contains(where: { $0 != primary && $0 != node && obstacle($0) == nil }) else {
            throw refusal(
                "without \(node) no node could take over from \(primary)",
                "Add a node first (`pgaf-host up --nodes \(names.count + 1)`), or end another one's maintenance.",
                states)
        }
        let left = confirming(without: primary, node)
        guard left >= syncStandbys else {
            throw refusal(
                "each commit has to be confirmed by \(syncStandbys) of the standbys, and \(left) would be left",
                "End the maintenance of other nodes first (`pgaf-host maintenance disable NODE`), or wait for them.",
                states)
        }
    }
}

extension RoleJudgement {
    /// What the failure of a standby means for clients; nil where no standby is to fail.
    func meaning(_ roles: Roles) -> String? {
        guard case .failover(_, .crash) = order, !roles.isPrimaryConcerned else { return nil }
        return confirming(without: roles.primary, roles.node) >= max(1, syncStandbys)
            ? "\(roles.node) is a standby: clients go on writing on \(roles.primary)"
            : "\(roles.node) is the last standby that confirms commits: clients wait until \(roles.primary) may go on"
                + " without it, or until it is back"
    }

    /// What a maintenance costs while it lasts; nil where it costs nothing.
    func warning(_ roles: Roles) -> String? {
        guard case .maintenance(let node, let turn) = order, turn != .disable else { return nil }
        let left = confirming(without: roles.primary, node)
        // Where the primary goes, one of those who are left takes its place.
        let needed = syncStandbys + 1 + (roles.isPrimaryConcerned ? 1 : 0)
        guard left < needed else { return nil }
        return "While \(node) is in maintenance no node takes over from a primary that fails: end it with"
            + " `pgaf-host maintenance disable \(node)`."
    }
}
