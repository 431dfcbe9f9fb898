/// What a stop, a start or a removal has come to, as people read it.
package enum ClusterChangeText {
    package static func lines(_ change: ClusterChange) -> [String] {
        if let formation = change.formation { return StatusTable.lines(formation) }
        if let removed = change.removed {
            return removed.isEmpty ? ["there was nothing to remove"] : removed.map { "removed \($0)" }
        }
        return change.containers.isEmpty
            ? ["nothing ran: nothing was stopped"]
            : ["stopped \(change.containers.joined(separator: ", ")); `pgaf-host start` starts them again"]
    }
}
