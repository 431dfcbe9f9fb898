/// What a stop or a start has come to, as people read it.
package enum ClusterChangeText {
    package static func lines(_ change: ClusterChange) -> [String] {
        if let formation = change.formation { return StatusTable.lines(formation) }
        return change.containers.isEmpty
            ? ["nothing ran: nothing was stopped"]
            : ["stopped \(change.containers.joined(separator: ", ")); `pgaf-host start` starts them again"]
    }
}
