import Shared

/// How far a server had come when it last wrote its control file.
struct ServerProgress: Sendable, Equatable {
    /// As PostgreSQL words it: "in production", "shut down", "in archive recovery" and others.
    var state: String
    /// The newest one that it has come to or knows of: of its last checkpoint, of where its recovery has come to, of the
    /// history files beside its log. A checkpoint comes long after a change of the timeline.
    var timeline: Int
    /// Position of its last checkpoint in the log, such as `0/3000148`.
    var checkpoint: String

    /// Whether the server was no standby.
    var wasPrimary: Bool { ["in production", "shut down", "shutting down", "in crash recovery"].contains(state) }

    /// Prints what `init` reads, in a shell of the image.
    static let command = """
        LC_ALL=C pg_controldata \(ContainerLayout.data) || exit
        cd \(ContainerLayout.data)/pg_wal && for f in *.history; do echo "History: $f"; done
        """

    /// - Parameter controlData: what `pg_controldata` prints in the locale C, then `History: 00000002.history` for each
    ///   such file.
    /// - Returns: nil for text without those values.
    init?(controlData: String) {
        var timelines: [Int] = []
        let values = controlData.split(separator: "\n").reduce(into: [String: String]()) { values, line in
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { return }
            let (name, value) = (parts[0].trimmed, parts[1].trimmed)
            values[name] = value
            if name == "History", let timeline = Int(value.prefix(8), radix: 16) { timelines.append(timeline) }
            if name == "Min recovery ending loc's timeline", let timeline = Int(value) { timelines.append(timeline) }
        }
        guard let state = values["Database cluster state"], let checkpoint = values["Latest checkpoint location"],
            let timeline = values["Latest checkpoint's TimeLineID"].flatMap({ Int($0) })
        else { return nil }
        (self.state, self.checkpoint) = (state, checkpoint)
        self.timeline = max(timeline, timelines.max() ?? 0)
    }

    /// The node that was primary last: the only one of the newest timeline that was none of the standbys. What it has, no
    /// other can have more of; nil where that is not certain.
    static func lastPrimary(_ nodes: [String: ServerProgress]) -> String? {
        let newest = nodes.values.map(\.timeline).max()
        let found = nodes.filter { $0.value.timeline == newest && $0.value.wasPrimary }
        return found.count == 1 ? found.first?.key : nil
    }
}
