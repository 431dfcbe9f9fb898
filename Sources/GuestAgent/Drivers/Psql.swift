import Shared

/// SQL inside a node's container as its own `postgres` user, by the socket; statements go in by standard input.
public struct Psql: Sendable {
    let runner: any CommandRunner
    let sessions: PsqlSessions?

    /// - Parameter sessions: where statements go that are many; without, each call is a `psql` of its own.
    public init(runner: any CommandRunner, sessions: PsqlSessions? = nil) {
        self.runner = runner
        self.sessions = sessions
    }

    /// The whole command line; the statements are its input and never its arguments.
    ///
    /// - Parameter sql: nil for a session, whose statements come later.
    public static func command(_ container: String, database: String, sql: String?) -> Command {
        Command(
            "docker",
            [
                "exec", "--interactive", "--user", "postgres", container, "psql", "--no-psqlrc", "--quiet",
                "--no-align", "--tuples-only", "--set", "ON_ERROR_STOP=1", "--dbname", database, "--file", "-",
            ], input: sql.map { Secret($0) }, deadline: deadline)
    }

    /// Runs the statements.
    ///
    /// - Parameter database: its name, or a whole connection string.
    /// - Throws: what a `CommandRunner` throws; a failed statement or a missing server is a status other than 0.
    func run(
        _ container: String, database: String = "postgres", _ sql: String, deadline: Duration = Psql.deadline
    ) async throws -> CommandResult {
        if let sessions {
            return try await sessions.run(sql, in: container, database: database, deadline: deadline)
        }
        var command = Self.command(container, database: database, sql: sql)
        command.deadline = deadline
        return try await runner.run(command)
    }

    private static let deadline = Duration.seconds(600)

    /// Runs the statements; nil when server, container or Docker is not there, or a statement failed.
    public func attempt(_ container: String, database: String = "postgres", _ sql: String) async throws -> String? {
        do {
            let result = try await run(container, database: database, sql)
            return result.succeeded ? result.trimmedOutput : nil
        } catch let error as PgafError where error.code == .commandNotFound {
            return nil
        }
    }

    /// Whether the container's PostgreSQL takes connections.
    func answers(_ container: String) async throws -> Bool { try await attempt(container, "SELECT 1;") != nil }

    /// Runs the statements, returns what they print.
    ///
    /// - Throws: an error of `code` with psql's last lines.
    @discardableResult
    public func checked(
        _ container: String, database: String = "postgres", _ sql: String, code: ErrorCode, what: String
    ) async throws -> String {
        let result = try await run(container, database: database, sql)
        guard result.succeeded else {
            throw PgafError(
                code, what,
                remedy:
                    "Look at `docker logs \(container)` and `pgaf-agent status` on the machine, then run `up` again.",
                cause: "psql in \(container) ended with status \(result.status)", output: result.lastLines())
        }
        return result.trimmedOutput
    }
}
