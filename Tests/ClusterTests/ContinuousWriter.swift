import Foundation
import Shared
import Synchronization
import TestSupport

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

    private let cluster: PgafProject
    private let password: String
    private let table = "written_\(UUID().uuidString.lowercased().prefix(8))"
    private let written = Mutex(Written())
    private let work = Mutex<Task<Void, Never>?>(nil)

    private init(_ cluster: PgafProject) throws {
        self.cluster = cluster
        password = try cluster.passwords()["superuser"] ?? ""
    }

    /// Begins to write, and returns once the first row was acknowledged.
    static func begin(_ cluster: PgafProject) async throws -> ContinuousWriter {
        let writer = try ContinuousWriter(cluster)
        try await Wait(for: "the writer's table", upTo: .seconds(60), hint: "").until {
            let made = try await writer.sql("CREATE TABLE IF NOT EXISTS \(writer.table) (n int PRIMARY KEY)")
            return made.succeeded ? .found(()) : .notYet(made.standardError)
        }
        let task = Task { await writer.write() }
        writer.work.withLock { $0 = task }
        try await Wait(for: "the first row", upTo: .seconds(60), every: .milliseconds(50), hint: "").until {
            writer.written.withLock { $0.rows.isEmpty } ? .notYet("") : .found(())
        }
        return writer
    }

    private func sql(_ text: String) async throws -> CommandResult {
        try await cluster.sql(
            text, ports: TestCluster.ports, password: password, attributes: "read-write", timeout: 3)
    }

    private func write() async {
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

    /// Ends the writing and looks for every acknowledged row on the primary.
    func finish() async throws -> Outcome {
        let task = work.withLock { $0 }
        task?.cancel()
        await task?.value
        let found = try await Wait(for: "the rows to be read", upTo: .seconds(120), every: .seconds(1), hint: "").until
        {
            let read = try await sql("SELECT n FROM \(table)")
            return read.succeeded
                ? .found(Set(read.standardOutput.split(separator: "\n").compactMap { Int($0) }))
                : .notYet(read.standardError)
        }
        return written.withLock { written in
            Outcome(
                acknowledged: written.rows.count, missing: written.rows.filter { !found.contains($0) },
                longestPause: written.longestPause)
        }
    }
}
