/// A plan as people read it.
package enum PlanText {
    /// A headline, each step that has something to do with its changes, and how many have nothing to do.
    ///
    /// - Parameter warnings: what is allowed but should be known.
    package static func lines(_ plan: ClusterPlan, warnings: [String] = []) -> [String] {
        var lines = [headline(plan)]
        let shown = plan.steps.filter { !$0.changes.isEmpty || $0.waits != nil }
        for step in shown {
            lines += ["", "\(sign(step)) \(step.id): \(step.title)"]
            lines += step.changes.map { "    \($0)" } + (step.waits ?? []).map { "    (no change) \($0)" }
        }
        let idle = plan.steps.count - shown.count
        if idle > 0, !shown.isEmpty {
            lines += ["", "\(count(idle, "step")) \(idle == 1 ? "has" : "have") nothing to do"]
        }
        if !plan.notes.isEmpty { lines += [""] + plan.notes.map { "note: \($0)" } }
        if !warnings.isEmpty { lines += [""] + warnings.map { "warning: \($0)" } }
        return lines
    }

    private static func headline(_ plan: ClusterPlan) -> String {
        guard plan.changes > 0 else {
            return "cluster \(plan.cluster): nothing to change, \(count(plan.steps.count, "step")) looked at"
        }
        let changing = plan.steps.count { $0.action != .none }
        return "cluster \(plan.cluster): `up` would make \(count(plan.changes, "change"))"
            + " in \(changing) of \(count(plan.steps.count, "step"))"
    }

    /// `+` for what is made, `~` for what is changed, `.` for what is only waited for.
    private static func sign(_ step: PlannedStep) -> String {
        switch step.action {
        case .create: "+"
        case .change: "~"
        case .none: "."
        }
    }

    private static func count(_ number: Int, _ word: String) -> String {
        "\(number) \(word)\(number == 1 ? "" : "s")"
    }
}
