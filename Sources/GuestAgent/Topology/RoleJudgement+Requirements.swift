import Shared

/// What has to be so for a change of roles, and what is said where it is not.
extension RoleJudgement {
    func requireKnown(_ node: String) throws {
        guard !names.contains(node) else { return }
        var error = PgafError.unknownNode(node, among: names)
        if node == monitor { error.message = "\(node) is the monitor, which has no role to change." }
        throw error
    }

    /// Name of the node that takes writes.
    func primary() throws -> String {
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
    func requireSuccessor(of primary: String, _ target: String?, survivesIt: Bool = true) throws {
        guard names.count > 1 else {
            throw refusal(
                "the cluster has only the node \(primary)", "Add standbys to `nodes`, and run `pgaf-host up`.")
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
    func confirming(without names: String...) -> Int {
        working.count { name in
            guard !names.contains(name), let row = row(name), containers[name] ?? "running" == "running" else {
                return false
            }
            return row.reported == "secondary" && row.isHealthy && (row.quorum || syncStandbys == 0)
        }
    }

    func requireService(_ node: String) throws {
        if inMaintenance.contains(node) {
            throw refusal("\(node) is in maintenance", "End that first: `pgaf-host maintenance disable \(node)`.")
        }
        if let container = containers[node], container != "running" {
            throw refusal("the container \(node) is \(container) already", "Start it with `pgaf-host start`.")
        }
        try requireSettled()
    }

    func requireMaintenance(_ node: String, _ primary: String, _ turn: RoleOrder.MaintenanceTurn) throws {
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
                "Add a node to `nodes` first and run `pgaf-host up`, or end another one's maintenance.",
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
