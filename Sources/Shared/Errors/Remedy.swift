/// Ways out that several errors name, in the same words.
public enum Remedy {
    /// Completes "Set it back, or …": a new cluster of another kind. Flags hold for one run, so they have to be typed again.
    public static let startAnew =
        "start anew with `pgaf-host up --fresh` and the same flags (the agent alone: `pgaf-agent down`, then `up`), which"
        + " removes all data of the cluster."
}
