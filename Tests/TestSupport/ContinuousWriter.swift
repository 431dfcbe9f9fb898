import Foundation
import Shared
import Synchronization
import Testing

/// A client that writes numbered rows one after another, to whichever node takes them, while something breaks; afterwards
/// every row that was acknowledged must be there.
package final class ContinuousWriter: Sendable {
    package struct Outcome: Sendable {
        package var acknowledged: Int
        /// Acknowledged rows that are gone: data lost.
        package var missing: [Int]
        /// The longest time between two acknowledged rows.
        package var longestPause: Duration
    }

    /// How much time the cluster gets.
    package struct Pace: Sendable {
        /// Seconds in which a node has to let the client in.
        var connection: Int
        /// After each row, also after one that was not taken.
        var pause: Duration
        /// Until the first row is written, and until the rows are read.
        var deadline: Duration

        package static let quick = Pace(connection: 3, pause: .zero, deadline: .seconds(120))
        /// For an emulated machine, whose processors each new connection keeps busy.
        package static let sparing = Pace(connection: 20, pause: .seconds(1), deadline: .seconds(300))
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
    /// - Parameters:
    ///   - ports: of all nodes on this machine's loopback; libpq finds the one that takes writes.
    ///   - database: where its table is made.
    package static func begin(
        _ cluster: PgafProject, through ports: [Int], in database: String = "myappdb", pace: Pace = .quick
    ) async throws -> ContinuousWriter {
        let client = try Client(cluster, ports, database, pace)
        try await Wait(for: "the writer's table", upTo: pace.deadline, hint: "").until {
            let made = try await client.sql("CREATE TABLE IF NOT EXISTS \(client.table) (n int PRIMARY KEY)")
            return made.succeeded ? .found(()) : .notYet(made.standardError)
        }
        let writer = ContinuousWriter(client)
        try await Wait(for: "the first row", upTo: pace.deadline, every: .milliseconds(50), hint: "").until {
            writer.acknowledged == 0 ? .notYet("") : .found(())
        }
        return writer
    }

    /// How many rows were acknowledged so far.
    package var acknowledged: Int { client.written.withLock { $0.rows.count } }

    /// Lets something happen to the cluster while the client writes, and looks for every row that was acknowledged
    /// meanwhile; those that are gone are in the issue.
    ///
    /// - Parameters:
    ///   - what: what happens, for the issue and for the line about the client that is printed.
    ///   - deed: ends when the cluster takes writes again, or is about to.
    @discardableResult
    package func during<Value>(
        _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ deed: () async throws -> Value
    ) async throws -> (value: Value, rows: Outcome) {
        let value = try await deed()
        let rows = try await finish()
        #expect(
            rows.missing.isEmpty, "\(what): acknowledged rows are gone: \(rows.missing)", sourceLocation: sourceLocation
        )
        #expect(rows.acknowledged > 0, "\(what): nothing was written", sourceLocation: sourceLocation)
        print("\(what): \(rows.acknowledged) rows, longest pause \(rows.longestPause.brief)")
        return (value, rows)
    }

    /// Ends the writing and looks for every acknowledged row on the primary.
    package func finish() async throws -> Outcome {
        work.cancel()
        await work.value
        let found = try await Wait(
            for: "the rows to be read", upTo: client.pace.deadline, every: .seconds(1), hint: ""
        ).until { try await client.rows(through: client.ports, "read-write") }
        return client.written.withLock { written in
            Outcome(
                acknowledged: written.rows.count, missing: written.rows.filter { !found.contains($0) },
                longestPause: written.longestPause)
        }
    }

    /// Looks for every acknowledged row on each node, on all of them at once; a standby may show one a little later.
    ///
    /// - Returns: a line for each node that does not answer or lacks rows: its port and why, or which.
    package func lacking(through ports: [Int]) async throws -> [String] {
        let rows = client.written.withLock { $0.rows }
        return try await withThrowingTaskGroup(of: String?.self) { group in
            for port in ports {
                group.addTask { [client] in
                    switch try await client.rows(through: [port], "any") {
                    case .notYet(let why): return "\(port): \(why)"
                    case .found(let found):
                        let missing = rows.filter { !found.contains($0) }
                        return missing.isEmpty ? nil : "\(port): \(missing)"
                    }
                }
            }
            return try await group.reduce(into: [String]()) { lines, line in
                if let line { lines.append(line) }
            }
        }
    }

    /// Who writes, and what was acknowledged.
    private final class Client: Sendable {
        let table = "written_\(UUID().uuidString.lowercased().prefix(8))"
        let written = Mutex(Written())
        let ports: [Int]
        let pace: Pace
        private let cluster: PgafProject
        private let database: String
        private let password: String

        init(_ cluster: PgafProject, _ ports: [Int], _ database: String, _ pace: Pace) throws {
            self.cluster = cluster
            self.ports = ports
            self.database = database
            self.pace = pace
            password = try cluster.passwords()["superuser"] ?? ""
        }

        func sql(_ text: String) async throws -> CommandResult {
            try await sql(text, through: ports, "read-write")
        }

        private func sql(_ text: String, through ports: [Int], _ attributes: String) async throws -> CommandResult {
            try await cluster.sql(
                text, database: database, ports: ports, password: password, attributes: attributes,
                timeout: pace.connection)
        }

        /// The rows that are there now, or why nobody tells.
        func rows(through ports: [Int], _ attributes: String) async throws -> Wait.Observation<Set<Int>> {
            let read = try await sql("SELECT n FROM \(table)", through: ports, attributes)
            return read.succeeded
                ? .found(Set(read.standardOutput.split(separator: "\n").compactMap { Int($0) }))
                : .notYet(read.standardError)
        }

        func write() async {
            var number = 0
            repeat {
                number += 1
                let row = number
                if let result = try? await sql("INSERT INTO \(table) VALUES (\(row))"), result.succeeded {
                    written.withLock { $0.add(row) }
                }
            } while (try? await Task.sleep(for: pace.pause)) != nil
        }
    }
}
