/// What a change of roles has come to, as people read it.
package enum RoleChangeText {
    package static func lines(_ change: RoleChange) -> [String] {
        [
            primary(change), writes(change),
            "every node has its place and is healthy \(Duration.seconds(change.secondsUntilHealthy).brief) after the order",
            "",
        ] + StatusTable.lines(change.formation)
    }

    private static func primary(_ change: RoleChange) -> String {
        change.from == change.to
            ? "\(change.to) is primary as before" : "\(change.to) is primary now, \(change.from) was it before"
    }

    private static func writes(_ change: RoleChange) -> String {
        let client = "a client that wrote every \(Duration.seconds(change.resolution).brief)"
        let pause = Duration.seconds(change.secondsWithoutWrites).brief
        return isInterrupted(change)
            ? "clients could not write for \(pause), as seen by \(client)"
            : "clients could write all the time: at most \(pause) between two writes of \(client)"
    }

    /// Whether the pause is more than what happens to a client now and then.
    private static func isInterrupted(_ change: RoleChange) -> Bool {
        change.secondsWithoutWrites > max(change.resolution * 4, 0.5)
    }
}
