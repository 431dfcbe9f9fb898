import Shared

/// What one node takes up only when it is started anew.
struct PendingRestart: Sendable, Equatable {
    struct Setting: Sendable, Equatable, Decodable {
        var name: String
        /// In force now.
        var now: String
        /// In the file; nil for PostgreSQL's own default.
        var next: String?
    }

    var node: String
    var settings: [Setting]
    /// Whether pg_autoctl's configuration file of the node holds nothing, as after a write on a full disk: pg_autoctl goes
    /// on with what it has read, and refuses every command. The container's start makes another one.
    var hasLostConfiguration = false

    var description: String {
        let values = settings.map { "\($0.name) \($0.now) → \($0.next ?? "PostgreSQL's default")" }
        guard hasLostConfiguration else { return "restart PostgreSQL of \(node): \(values.joined(separator: ", "))" }
        let reasons = ["pg_autoctl's configuration file of the node is empty"] + values
        return "restart the container \(node): \(reasons.joined(separator: ", "))"
    }

    /// A standby must not have less of these than its primary, or it stops replaying.
    ///
    /// Source: PostgreSQL documentation, Hot Standby, "Administrator's Overview".
    static let bound: Set<String> = [
        "max_connections", "max_prepared_transactions", "max_locks_per_transaction", "max_wal_senders",
        "max_worker_processes",
    ]

    /// Whether the primary has to go down with one of those first.
    var lowersWhatBindsStandbys: Bool {
        settings.contains { setting in
            guard Self.bound.contains(setting.name), let now = Int(setting.now) else { return false }
            return setting.next.flatMap { Int($0) }.map { $0 < now } ?? true
        }
    }

    /// The node whose turn is next: standbys first, so that writes pause only once; the primary first where it has to.
    static func next(_ pending: [PendingRestart], primary: String) -> PendingRestart? {
        let own = pending.first { $0.node == primary }
        if let own, own.lowersWhatBindsStandbys { return own }
        return pending.first { $0.node != primary } ?? own
    }
}
