import Shared

/// What a change of roles means that is no reason to refuse it.
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
