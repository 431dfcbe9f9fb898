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

    func row(_ name: String) -> Monitor.Row? { rows.first { $0.name == name } }

    var working: [String] { names.filter { !inMaintenance.contains($0) } }

    var states: String {
        names.map { "\($0): \(row($0)?.reported ?? "not registered")" }.joined(separator: ", ")
    }

    func refusal(_ reason: String, _ remedy: String, _ cause: String? = nil) -> PgafError {
        PgafError(
            .failoverRefused, "The \(order.verb) is refused, and nothing was changed: \(reason).", remedy: remedy,
            cause: cause)
    }
}
