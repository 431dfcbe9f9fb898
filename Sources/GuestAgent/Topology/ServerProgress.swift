import Shared

/// How far a server had come when it last wrote its control file.
struct ServerProgress: Sendable, Equatable {
    /// As PostgreSQL words it: "in production", "shut down", "in archive recovery" and others.
    var state: String
    /// Of its last checkpoint, as is `checkpoint`, a position in the log such as `0/3000148`.
    var timeline: Int
    var checkpoint: String

    /// Whether the server was no standby.
    var wasPrimary: Bool { ["in production", "shut down", "shutting down", "in crash recovery"].contains(state) }

    /// - Parameter controlData: what `pg_controldata` prints in the locale C.
    /// - Returns: nil for text without those values.
    init?(controlData: String) {
        let values = controlData.split(separator: "\n").reduce(into: [String: String]()) { values, line in
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { values[parts[0].trimmed] = parts[1].trimmed }
        }
        guard let state = values["Database cluster state"], let checkpoint = values["Latest checkpoint location"],
            let timeline = values["Latest checkpoint's TimeLineID"].flatMap({ Int($0) })
        else { return nil }
        (self.state, self.timeline, self.checkpoint) = (state, timeline, checkpoint)
    }

    /// The node that was primary last: the only one of the newest timeline that was none of the standbys. What it has, no
    /// other can have more of; nil where that is not certain.
    static func lastPrimary(_ nodes: [String: ServerProgress]) -> String? {
        let newest = nodes.values.map(\.timeline).max()
        let found = nodes.filter { $0.value.timeline == newest && $0.value.wasPrimary }
        return found.count == 1 ? found.first?.key : nil
    }
}
