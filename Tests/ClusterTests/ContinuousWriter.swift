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

    private let cluster: PgafProject
    private let password: String
    private let table = "written_\(UUID().uuidString.lowercased().prefix(8))"
    private let work: Mutex<Task<(rows: [Int], pause: Duration), any Error>?>

    init(_ cluster: PgafProject) throws {
        self.cluster = cluster
        password = try cluster.passwords()["superuser"] ?? ""
        work = Mutex(nil)
        let (cluster, password, table) = (cluster, password, table)
        let task = Task { () async throws -> (rows: [Int], pause: Duration) in
            var rows: [Int] = []
            var last = ContinuousClock.now
            var pause = Duration.zero
            var number = 0
            let make = "CREATE TABLE IF NOT EXISTS \(table) (n int PRIMARY KEY);"
            while !Task.isCancelled {
                number += 1
                let result = try? await cluster.sql(
                    (rows.isEmpty ? make : "") + "INSERT INTO \(table) VALUES (\(number))", ports: TestCluster.ports,
                    password: password, attributes: "read-write", timeout: 3)
                guard result?.succeeded == true else { continue }
                rows.append(number)
                pause = max(pause, ContinuousClock.now - last)
                last = ContinuousClock.now
            }
            return (rows, pause)
        }
        work.withLock { $0 = task }
    }

    /// Ends the writing and looks for every acknowledged row on the primary.
    func finish() async throws -> Outcome {
        guard let task = work.withLock({ $0 }) else {
            return Outcome(acknowledged: 0, missing: [], longestPause: .zero)
        }
        task.cancel()
        let (rows, pause) = try await task.value
        let found = try await Wait(for: "the rows to be read", upTo: .seconds(120), every: .seconds(1), hint: "").until
        {
            let read = try await cluster.sql(
                "SELECT n FROM \(table)", ports: TestCluster.ports, password: password, attributes: "read-write")
            return read.succeeded
                ? .found(Set(read.standardOutput.split(separator: "\n").compactMap { Int($0) }))
                : .notYet(read.standardError)
        }
        return Outcome(acknowledged: rows.count, missing: rows.filter { !found.contains($0) }, longestPause: pause)
    }
}
