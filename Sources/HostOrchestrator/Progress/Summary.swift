import Shared

/// What `up` says at its end.
enum Summary {
    /// - Parameter log: where the run left its logs here, if it did.
    static func lines(_ outcome: UpRun.Outcome, cluster: String, log: String?) -> [String] {
        var lines = [headline(outcome, cluster: cluster), ""]
        if var state = outcome.state {
            // What the run itself warns of is said once, at the end.
            state.warnings?.removeAll { outcome.warnings.contains($0) }
            lines += StatusTable.lines(state) + [""]
        }
        lines += connections(outcome.strings, state: outcome.state)
        lines += ["", "passwords:   pgaf-host uri --show-password   (`pgaf-host psql` needs none)"]
        if let log { lines.append("log:         \(log)") }
        if !outcome.warnings.isEmpty { lines += [""] + outcome.warnings.map { "warning: \($0)" } }
        return lines
    }

    static func headline(_ outcome: UpRun.Outcome, cluster: String) -> String {
        let steps = outcome.steps == 1 ? "1 step" : "\(outcome.steps) steps"
        if outcome.changed == 0 {
            return "everything was in order: nothing changed, \(steps), \(outcome.took.brief)"
        }
        return "the cluster \(cluster) is up: \(outcome.changed) of \(steps) changed something, \(outcome.took.brief)"
    }

    /// The commands to copy: the primary wherever it is, each node by its role, the monitor.
    static func connections(_ strings: ConnectionStrings, state: FormationState?) -> [String] {
        var rows = [("read and write, on whichever node is primary", strings.cluster())]
        for target in strings.nodes {
            let node = state?.nodes.first { $0.name == target.name }
            let label =
                switch node?.reportedState {
                case let state? where NodeState.takingWrites.contains(state): "\(target.name), the primary now"
                case "secondary": "\(target.name), a standby: reads only"
                default: target.name
                }
            rows.append((label, strings.node(target)))
        }
        rows.append(("\(strings.monitor.name), the monitor", strings.monitor()))
        return ["connect from this machine:"] + rows.flatMap { ["  # \($0.0)", "  psql \"\($0.1)\""] }
    }
}
