import Shared

/// Events as lines for people at the agent's own terminal; `Output` cleans them.
enum EventText {
    /// A line for what is worth one, several for a formation or a result; nil for the rest.
    static func line(_ body: Event.Body) -> String? {
        switch body {
        case .plan, .stepFinished, .stepFailed, .heartbeat: body.words
        case .state(let state): "\n" + StatusTable.lines(state).joined(separator: "\n") + "\n"
        case .result(let result): self.result(result)
        case .hello, .stepStarted, .stepProgress, .stepOutput, .unknown: nil
        }
    }

    private static func result(_ result: RunResult) -> String {
        let warnings = result.warnings.map { "warning: \($0)\n" }.joined()
        if let error = result.error { return warnings + error.description }
        let done = result.connections == nil ? "done" : "the cluster is up"
        return warnings
            + (result.changed == 0
                ? "everything was in order: nothing changed"
                : "\(done): \(result.changed) steps changed something")
    }
}
