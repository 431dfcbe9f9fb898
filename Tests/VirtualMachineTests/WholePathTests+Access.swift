import Foundation
import Shared
import TestSupport
import Testing

/// Who gets in from this machine, and who does not.
extension WholePathTests {
    /// Whoever comes by a forwarded port is the machine itself for a server, by the private network this machine: both
    /// are clients in the page's words, whose table is the only expectation.
    func whoGetsInFromThisMachine() async throws {
        say("trying who gets in")
        let table = try AccessTable()
        var proven: Set<AccessTable.Row> = []
        for (attempt, answer) in try await answered(try await attempts()) {
            let rows = table.rows(for: attempt, from: [.clients])
            let isIn = AccessAttempt.isIn(answer)
            #expect(isIn == !rows.isEmpty, "\(attempt): \(answer)")
            // Whoever is refused was heard first.
            let wasHeard = ["FATAL", "password"].contains { answer.contains($0) }
            #expect(isIn || wasHeard, "\(attempt): \(answer)")
            if isIn { proven.formUnion(rows) }
        }
        for row in table.rows where row.place == .clients { #expect(proven.contains(row), "nobody came in by \(row)") }
    }

    /// Everything on the monitor and on one node. The other nodes have the same rules, of which a test on real Docker
    /// tries everything on each; here a try may take a second of an emulated machine. So on those nodes, and by the
    /// other ways to the one, only the clients' own user and database are tried.
    private func attempts() async throws -> [AccessAttempt] {
        let connections = try await connections()
        let monitor = connections.monitor
        let node = try #require(connections.nodes.first)
        func all(_ node: Connections.Node, at host: String = "127.0.0.1", _ port: Int) -> [AccessAttempt] {
            AccessAttempt.all(on: node.name, isMonitor: node.name == monitor.name, at: host, port)
        }
        // By the private network ports are as in the machine.
        let others =
            connections.nodes.dropFirst().flatMap { all($0, $0.port) } + all(node, at: "localhost", node.port)
            + all(node, at: Configuration().machine.vagrant.ip, configured[0])
        return all(monitor, monitor.port) + all(node, node.port)
            + others.filter { $0.user == "postgres" && $0.database == "myappdb" }
    }

    private typealias Answered = (attempt: AccessAttempt, answer: String)

    /// Eight at a time: each waits for its turn on the machine's processors most of the time.
    private func answered(_ attempts: [AccessAttempt]) async throws -> [Answered] {
        let authority = "\(project.directory)/.pgaf/ca.crt"
        return try await withThrowingTaskGroup(of: [Answered].self, returning: [Answered].self) { group in
            for first in 0..<8 {
                let share = stride(from: first, to: attempts.count, by: 8).map { attempts[$0] }
                group.addTask {
                    let answers = try await project.answers(
                        to: share, from: ["bash"], authority: authority, patience: 120)
                    return zip(share, answers).map { ($0, $1) }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }
}
