import Foundation
import Shared
import Testing

/// One try of psql's to get into a server of a cluster.
package struct AccessAttempt: Sendable {
    /// The server's container.
    package var server: String
    package var isMonitor: Bool
    /// Where it answers whoever tries.
    package var host: String
    package var port: Int
    package var user: String
    /// `replication` means a replication connection.
    package var database: String
    /// `right`, `wrong` or `none`.
    package var password: String
    /// `sslmode`.
    package var mode: String

    private static let users = [
        "postgres", "pgautofailover_replicator", "pgautofailover_monitor", "autoctl_node", "app", "nobody",
    ]

    /// Every user, database, password and kind of connection, on one server.
    package static func all(on server: String, isMonitor: Bool, at host: String, _ port: Int) -> [AccessAttempt] {
        let databases = [isMonitor ? "pg_auto_failover" : "myappdb", "postgres", "replication"]
        let kinds = [("right", "verify-full"), ("right", "disable"), ("wrong", "require"), ("none", "require")]
        return users.flatMap { user in
            databases.flatMap { database in
                kinds.map { password, mode in
                    AccessAttempt(
                        server: server, isMonitor: isMonitor, host: host, port: port, user: user, database: database,
                        password: password, mode: mode)
                }
            }
        }
    }

    /// The monitor looks at a server by the only connection that its role may have: who hears of that has come in.
    package static func isIn(_ answer: String) -> Bool {
        answer == "in" || answer.contains("too many connections for role \"pgautofailover_monitor\"")
    }

    /// Reads a try a line, fields with a tab between, and answers each with `in` or why not; its name is a number: the
    /// seconds for a connection.
    fileprivate static let script = #"""
        export PGPASSFILE=/dev/null PGCONNECT_TIMEOUT=$0
        while IFS=$'\t' read -r host port user database password mode root; do
            export PGSSLMODE=$mode PGSSLROOTCERT=$root PGHOST=$host PGPORT=$port PGUSER=$user
            if [ "$password" = - ]; then unset PGPASSWORD; else export PGPASSWORD=$password; fi
            if [ "$database" = replication ]; then
                answer=$(psql -XAtw 'replication=true' -c IDENTIFY_SYSTEM 2>&1 </dev/null)
            else
                answer=$(psql -XAtw -d "$database" -c 'SELECT 1' 2>&1 </dev/null)
            fi && echo in || echo "${answer//$'\n'/ }"
        done
        """#
}

extension PgafProject {
    /// Makes these tries, one after another.
    ///
    /// - Parameters:
    ///   - shell: the command that is a bash where they come from.
    ///   - authority: the file with the authority's certificate there.
    ///   - patience: seconds for a connection.
    /// - Returns: for each, `in` or why not.
    package func answers(
        to attempts: [AccessAttempt], from shell: [String], authority: String, patience: Int = 10
    ) async throws -> [String] {
        let secrets = try passwords()
        var right = [
            "postgres": "superuser", "pgautofailover_replicator": "replication", "autoctl_node": "monitor",
            "app": "client",
        ].mapValues { secrets[$0] ?? "" }
        // pg_auto_failover's own, the same everywhere: only the rules stand before it.
        right["pgautofailover_monitor"] = "pgautofailover_monitor"
        let lines = attempts.map { attempt in
            let password =
                switch attempt.password {
                case "right": right[attempt.user] ?? "none of theirs"
                case "wrong": "wrong"
                default: "-"
                }
            return [
                attempt.host, "\(attempt.port)", attempt.user, attempt.database, password, attempt.mode, authority,
            ].joined(separator: "\t")
        }
        let result = try await runner.run(
            Command(
                shell[0], Array(shell.dropFirst()) + ["-c", AccessAttempt.script, "\(patience)"],
                input: Secret(lines.joined(separator: "\n") + "\n"), deadline: .seconds(600)))
        #expect(result.succeeded, "\(result.standardError)")
        let answers = result.standardOutput.split(separator: "\n").map(String.init)
        try #require(answers.count == attempts.count)
        return answers
    }
}
