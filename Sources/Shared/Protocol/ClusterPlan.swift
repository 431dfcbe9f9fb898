/// What `up` would change, as `plan` prints it with `--json`; the agent's and the host's have the same form.
public struct ClusterPlan: Sendable, Codable, Equatable {
    public var cluster: String
    /// How many single changes there are, waits not counted; 0 means that `up` would change nothing.
    public var changes: Int
    /// Every step, those with nothing to do included; the host's own come first.
    public var steps: [PlannedStep]
    /// What else one should know, in sentences.
    public var notes: [String]

    /// Exit code of a `plan` that found changes.
    public static let exitCodeForChanges: Int32 = 2

    public init(cluster: String, steps: [PlannedStep], notes: [String] = []) {
        self.cluster = cluster
        self.steps = steps
        self.notes = notes
        changes = steps.reduce(0) { $0 + $1.changes.count }
    }

    /// 0 for nothing to change, 2 for changes.
    public var exitCode: Int32 { changes == 0 ? 0 : Self.exitCodeForChanges }
}
