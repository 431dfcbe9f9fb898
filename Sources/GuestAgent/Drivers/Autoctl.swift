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
        try await Deadlock.outlived {
            try await runner.checked(
                Self.command(node, arguments, patience: patience), code: .nodeFailed,
                what: "`pg_autoctl \(words)` failed on \(node).", remedy: Self.remedy(node))
        }
    }

    /// Sets a value in the node's configuration file, whole or not at all: pg_autoctl itself empties the file before it
    /// writes it, and a disk that is full then leaves it empty.
    ///
    /// - Parameter key: section and name, with a dot between them.
    /// - Throws: `node.failed` with pg_autoctl's last lines.
    func configure(_ node: String, _ key: String, _ value: String) async throws {
        let file = ContainerLayout.keeperConfiguration
        let copy = file.replacingBytes(of: ContainerLayout.configurationHome, with: Self.copies)
        let script = """
            set -e
            rm -rf \(Self.copies)
            install -D -m 0600 \(file) \(copy)
            XDG_CONFIG_HOME=\(Self.copies) timeout 240 pg_autoctl config set "$1" "$2"
            sync \(copy)
            mv \(copy) \(file)
            rm -r \(Self.copies)
            """
        try await runner.checked(
            Command(
                "docker", ["exec", "--user", "postgres", node, "sh", "-c", script, "sh", key, value],
                deadline: .seconds(300)),
            code: .nodeFailed, what: "`pg_autoctl config set \(key) \(value)` failed on \(node).",
            remedy: Self.remedy(node))
    }

    /// SQL that says `t` where the node's configuration file is empty or gone.
    static let hasNoSettings =
        "SELECT coalesce((SELECT size FROM pg_stat_file(\(SQL.literal(ContainerLayout.keeperConfiguration)), true)), 0) = 0;"

    /// Beside the true one, so that a file is moved within one file system.
    private static let copies = "\(ContainerLayout.configurationHome).new"

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
            remedy: Self.remedy(node))
    }

    private static func remedy(_ node: String) -> String {
        "Look at `docker logs \(node)` on the machine, then run `up` again."
    }
}
