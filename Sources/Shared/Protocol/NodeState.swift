/// States of a node, by the names that pg_auto_failover gives them.
public enum NodeState {
    /// In which a node takes writes (pg_auto_failover's `CanTakeWritesInState`): the primary, whatever is just being set or
    /// whoever joins.
    public static let takingWrites = ["wait_primary", "join_primary", "primary", "apply_settings", "single"]
    /// In which the nodes of a healthy formation stay.
    public static let lasting = ["primary", "single", "secondary"]
    /// Those of them in which a node is the primary.
    public static let lastingPrimary = lasting.filter(takingWrites.contains)
}
