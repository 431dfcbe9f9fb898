import Shared

/// pg_autoctl inside a node's container, as its own user.
struct Autoctl: Sendable {
    let runner: any CommandRunner

    /// The whole command line.
    ///
    /// - Parameter patience: pg_autoctl tries some things for ever, and ending the `docker` client would not end it.
    static func command(
        _ node: String, _ arguments: [String], patience: Duration = .seconds(240), environment: [String] = []
    ) -> Command {
        Command(
            "docker",
            ["exec", "--user", "postgres"] + environment.flatMap { ["--env", $0] } + [node]
                + ["timeout", "\(Int(patience.inSeconds))", "pg_autoctl"] + arguments,
            deadline: patience + .seconds(60))
    }

    /// - Throws: `node.failed` with pg_autoctl's last lines.
    func run(_ node: String, _ arguments: [String], patience: Duration = .seconds(240)) async throws {
        let words = arguments.filter { !$0.hasPrefix("postgresql://") }.joined(separator: " ")
        try await runner.checked(
            Self.command(node, arguments, patience: patience), code: .nodeFailed,
            what: "`pg_autoctl \(words)` failed on \(node).",
            remedy: "Look at `docker logs \(node)` on the machine, then run `up` again.")
    }

    /// - Throws: `node.failed`.
    func setPriority(_ node: String, _ priority: Int) async throws {
        try await run(node, ["set", "node", "candidate-priority", "\(priority)"])
    }

    /// Has pg_autoctl stop and start the node's PostgreSQL; returns once it has begun to.
    ///
    /// pg_autoctl shows the command only with its debugging variable.
    ///
    /// - Throws: `node.failed`.
    func restartPostgres(_ node: String) async throws {
        try await runner.checked(
            Self.command(node, ["do", "service", "restart", "postgres"], environment: ["PG_AUTOCTL_DEBUG=1"]),
            code: .nodeFailed, what: "pg_autoctl could not restart PostgreSQL of \(node).",
            remedy: "Look at `docker logs \(node)` on the machine, then run `up` again.")
    }
}
