import Shared

/// Whether a formation is as it should be, and in words what it lacks; pure.
public enum FormationJudgement {
    /// Name of the primary when every wanted node is registered, healthy and settled; nil otherwise.
    public static func settledPrimary(_ rows: [Monitor.Row], names: [String]) -> String? {
        guard notes(rows, names: names).isEmpty else { return nil }
        // There is one such row; a node that is not wanted may take writes in another state.
        return rows.first { NodeState.lastingPrimary.contains($0.reported) }?.name
    }

    /// What is wrong or awaited, one sentence a thing; empty when all is well.
    public static func notes(_ rows: [Monitor.Row], names: [String]) -> [String] {
        var notes: [String] = []
        for name in names {
            guard let row = rows.first(where: { $0.name == name }) else {
                notes.append("\(name) is not registered on the monitor")
                continue
            }
            if row.reported != row.assigned {
                notes.append("\(name) is on its way from \(row.reported) to \(row.assigned)")
            } else if !NodeState.lasting.contains(row.reported) {
                notes.append("\(name) is in the state \(row.reported)")
            } else if !row.running {
                notes.append("PostgreSQL of \(name) does not run, as its pg_autoctl reports")
            } else if row.streams == false {
                notes.append("\(name) does not receive what the primary writes")
            }
            if !row.isHealthy { notes.append("\(name) is not seen healthy by the monitor") }
        }
        let primaries = rows.filter { NodeState.lastingPrimary.contains($0.reported) }
        if primaries.isEmpty, !rows.isEmpty { notes.append("there is no settled primary") }
        if primaries.count > 1 {
            notes.append("more than one node reports to be primary: \(primaries.map(\.name).joined(separator: ", "))")
        }
        return notes
    }

    /// Who has the machine for itself: much that is not as it should be is that one's doing.
    ///
    /// - Parameter holder: in the words of `MachineLock`: "run ID, `stop`, since TIME"; an `up` does not name itself.
    static func work(of holder: String) -> FormationState.Awaited {
        let parts = holder.split(separator: ",").map(\.trimmed)
        let who = parts.first ?? "somebody"
        guard who.hasPrefix("run ") else { return .init(name: nil, text: "\(who) is at work on this machine") }
        let verb = parts.count > 2 ? parts[1] : "`up`"
        return .init(
            name: nil, text: "\(who) (\(verb)) is at work on this machine; follow it with `pgaf-host attach`")
    }
}
