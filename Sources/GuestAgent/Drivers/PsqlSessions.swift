import Shared

/// One `psql` for each container and database that stays for a whole run.
///
/// A look costs a few milliseconds then. Started anew for each, `docker exec` and `psql` cost a fast machine 60 ms and an
/// emulated one seconds of the processor that the nodes need to come up.
public actor PsqlSessions {
    private struct Key: Hashable {
        var container: String
        var database: String
    }

    private var sessions: [Key: Coprocess] = [:]
    private let turnstile: Turnstile
    private let prefix = RunIdentifier.new()
    private var count = 0

    /// - Parameter turnstile: passed when a session starts, as by every other program of the run.
    public init(turnstile: Turnstile) { self.turnstile = turnstile }

    /// Runs the statements, as `psql` with `ON_ERROR_STOP` would in a session of its own.
    ///
    /// Statements must bear to be run twice: when the connection breaks (a restarted container, a server that changed
    /// its role), they are run again in a new session.
    public func run(_ sql: String, in container: String, database: String, deadline: Duration) async throws
        -> CommandResult
    {
        let key = Key(container: container, database: database)
        if let session = sessions[key] {
            let result = try await exchange(sql, with: session, key, deadline)
            guard !result.succeeded, result.status != Self.statementFailed else { return result }
        }
        return try await turnstile.pass { try await self.begin(sql, key, deadline) }
    }

    private func begin(_ sql: String, _ key: Key, _ deadline: Duration) async throws -> CommandResult {
        // Somebody else may have begun one in the meantime.
        let session = sessions[key] ?? Coprocess(Psql.command(key.container, database: key.database, sql: nil))
        sessions[key] = session
        return try await exchange(sql, with: session, key, deadline)
    }

    /// Ends all sessions.
    public func close() async {
        let open = sessions.values
        sessions = [:]
        for session in open { await session.close() }
    }

    /// psql's exit status when a statement failed under `ON_ERROR_STOP`; any other means that no connection was there.
    private static let statementFailed: Int32 = 3

    private func exchange(_ sql: String, with session: Coprocess, _ key: Key, _ deadline: Duration) async throws
        -> CommandResult
    {
        count += 1
        let mark = "\(prefix)-\(count)"
        do {
            // What an earlier exchange set in the session is none of this one's business.
            let text = Secret("RESET ALL;\n\(sql)\n\\echo \(mark)\n")
            switch try await session.exchange(text, mark: mark, deadline: deadline) {
            case .answered(let output): return CommandResult(standardOutput: output)
            case .ended(let result):
                forget(session, key)
                return result
            }
        } catch {
            forget(session, key)
            throw error
        }
    }

    private func forget(_ session: Coprocess, _ key: Key) {
        if sessions[key] === session { sessions[key] = nil }
    }
}
