import Foundation
import Shared
import Synchronization
import TestSupport
import Testing

/// A client that writes numbered rows one after another, to whichever node takes them, while something breaks; afterwards
/// every row that was acknowledged must be there.
final class ContinuousWriter: Sendable {
    struct Outcome: Sendable {
        var acknowledged: Int
        /// Acknowledged rows that are gone: data lost.
        var missing: [Int]
        /// The longest time between two acknowledged rows.
        var longestPause: Duration
    }

    private struct Written {
        var rows: [Int] = []
        var last = ContinuousClock.now
        var longestPause = Duration.zero

        mutating func add(_ row: Int) {
            let now = ContinuousClock.now
            if !rows.isEmpty { longestPause = max(longestPause, now - last) }
            rows.append(row)
            last = now
        }
    }

    private let client: Client
    private let work: Task<Void, Never>

    private init(_ client: Client) {
        self.client = client
        // The task holds the client alone, so that a test which ends by an error ends the writing too.
        work = Task { await client.write() }
    }

    deinit { work.cancel() }

    /// Begins to write, and returns once the first row was acknowledged.
    ///
    /// - Parameter database: where its table is made.
    static func begin(_ cluster: PgafProject, in database: String = "myappdb") async throws -> ContinuousWriter {
        let client = try Client(cluster, database)
        try await Wait(for: "the writer's table", upTo: .seconds(60), hint: "").until {
            let made = try await client.sql("CREATE TABLE IF NOT EXISTS \(client.table) (n int PRIMARY KEY)")
            return made.succeeded ? .found(()) : .notYet(made.standardError)
        }
        let writer = ContinuousWriter(client)
        try await Wait(for: "the first row", upTo: .seconds(60), every: .milliseconds(50), hint: "").until {
            client.written.withLock { $0.rows.isEmpty } ? .notYet("") : .found(())
        }
        return writer
    }

    /// Ends the writing and looks for every acknowledged row on the primary.
    func finish() async throws -> Outcome {
        work.cancel()
        await work.value
        let found = try await Wait(for: "the rows to be read", upTo: .seconds(120), every: .seconds(1), hint: "").until
        {
            let read = try await client.sql("SELECT n FROM \(client.table)")
            return read.succeeded
                ? .found(Set(read.standardOutput.split(separator: "\n").compactMap { Int($0) }))
                : .notYet(read.standardError)
        }
        return client.written.withLock { written in
            Outcome(
                acknowledged: written.rows.count, missing: written.rows.filter { !found.contains($0) },
                longestPause: written.longestPause)
        }
    }

    /// Who writes, and what was acknowledged.
    private final class Client: Sendable {
        let table = "written_\(UUID().uuidString.lowercased().prefix(8))"
        let written = Mutex(Written())
        private let cluster: PgafProject
        private let database: String
        private let password: String

        init(_ cluster: PgafProject, _ database: String) throws {
            self.cluster = cluster
            self.database = database
            password = try cluster.passwords()["superuser"] ?? ""
        }

        func sql(_ text: String) async throws -> CommandResult {
            try await cluster.sql(
                text, database: database, ports: TestCluster.ports, password: password, attributes: "read-write",
                timeout: 3)
        }

        func write() async {
            var number = 0
            while !Task.isCancelled {
                number += 1
                guard let result = try? await sql("INSERT INTO \(table) VALUES (\(number))"), result.succeeded else {
                    continue
                }
                let row = number
                written.withLock { $0.add(row) }
            }
        }
    }
}

extension PgafProject {
    /// Lets something happen to the cluster while a client writes, and looks for every row that was acknowledged meanwhile;
    /// those that are gone are in the issue.
    ///
    /// - Parameters:
    ///   - what: what happens, for the issue and for the line about the client that is printed.
    ///   - database: in which the client writes.
    ///   - deed: ends when the cluster takes writes again, or is about to.
    @discardableResult
    func whileWritten<Value>(
        _ what: String, in database: String = "myappdb", sourceLocation: SourceLocation = #_sourceLocation,
        _ deed: () async throws -> Value
    ) async throws -> (value: Value, rows: ContinuousWriter.Outcome) {
        let writer = try await ContinuousWriter.begin(self, in: database)
        let value = try await deed()
        let rows = try await writer.finish()
        #expect(
            rows.missing.isEmpty, "\(what): acknowledged rows are gone: \(rows.missing)", sourceLocation: sourceLocation
        )
        #expect(rows.acknowledged > 0, "\(what): nothing was written", sourceLocation: sourceLocation)
        print("\(what): \(rows.acknowledged) rows, longest pause \(rows.longestPause.brief)")
        return (value, rows)
    }
}
