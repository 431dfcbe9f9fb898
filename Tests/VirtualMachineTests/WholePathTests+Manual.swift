import Foundation
import Shared
import TestSupport
import Testing

/// The chapters "Verify" and "Testing" of the scripts' manual, word for word: what it has one type after `vagrant ssh`,
/// without sudo and without further flags, and what one should see then.
extension WholePathTests {
    func whatTheScriptsManualHasOneType() async throws {
        try await whatOneVerifies()
        try await whileWritten("the manual's switchover and its crash") {
            let ports = try await self.ports()
            let first = try await observedPrimary("the formation of the beginning")
            try await typed("docker exec -u postgres monitor_node pg_autoctl perform switchover --formation default")
            let second = try await observedPrimary("the switchover") { $0 != first }
            try await write(on: second, ports)
            try await expectRows(2, through: ports)

            try await typed("docker stop \(second)")
            let third = try await observed("a standby to be promoted") { nodes in
                nodes.first { $0.name != second && ["wait_primary", "primary"].contains($0.reported) }?.name
            }
            try await write(on: third, ports)
            try await typed("docker start \(second)")
            _ = try await observedPrimary("the old primary to join as a standby") { $0 != second }
            try await expectRows(3, through: ports)
            _ = try await project.waitUntilHealthy("the manual's crash", upTo: .seconds(600))
        }
    }

    private func whatOneVerifies() async throws {
        let lines = try await typed("docker ps").split(whereSeparator: \.isNewline).map(\.trimmed)
        for name in ["monitor_node"] + Self.nodes {
            let line = try #require(lines.first { $0.hasSuffix(" \(name)") }, "\(name): \(lines)")
            #expect(line.contains(" Up "), "\(line)")
        }
        let state = try await typed(Self.showState)
        #expect((Self.nodes + ["primary", "secondary"]).allSatisfy { state.contains($0) }, "\(state)")
    }

    private static let showState = "docker exec -u postgres monitor_node pg_autoctl show state"

    private func inMachine(_ line: String) async throws -> CommandResult {
        try await project.command("vagrant", ["ssh", "-c", line], directory: project.directory)
    }

    @discardableResult
    private func typed(_ line: String) async throws -> String {
        say("in the machine: \(line)")
        let result = try await inMachine(line)
        #expect(result.succeeded, "\(line): \(result.lastLines())")
        return result.standardOutput
    }

    /// A node's line of `pg_autoctl show state`:
    /// `pgnode1 |     1 | pgnode1:5432 |   1: 0/3000148 |   read-write |             primary |             primary`,
    /// with a mark behind `read-write` while the node does not answer the monitor.
    private struct ShownNode: Sendable {
        var name: String
        var reported: String
        /// In the state that the monitor wants, and answering it.
        var isSettled: Bool

        init?(_ line: Substring) {
            let cells = line.split(separator: "|").map(\.trimmed)
            guard cells.count > 2, WholePathTests.nodes.contains(cells[0]) else { return nil }
            name = cells[0]
            reported = cells[cells.count - 2]
            isSettled = reported == cells[cells.count - 1] && !line.contains("!")
        }
    }

    /// Types `pg_autoctl show state` until it shows what is awaited.
    private func observed<Value: Sendable>(
        _ words: String, _ find: @Sendable ([ShownNode]) -> Value?
    ) async throws -> Value {
        try await Wait(for: words, upTo: .seconds(600), every: .seconds(2), hint: "").until {
            () async throws -> Wait.Observation<Value> in
            let shown = try await inMachine(Self.showState)
            let nodes = shown.standardOutput.split(whereSeparator: \.isNewline).compactMap { ShownNode($0) }
            return find(nodes).map { .found($0) } ?? .notYet(shown.standardOutput + shown.standardError)
        }
    }

    /// The name of the primary, once it is the one that is awaited and the two others are its standbys.
    private func observedPrimary(
        _ words: String, _ isIt: @Sendable (String) -> Bool = { _ in true }
    ) async throws -> String {
        try await observed(words) { nodes in
            let standbys = nodes.filter { $0.reported == "secondary" }
            guard standbys.count == 2, nodes.allSatisfy(\.isSettled) else { return nil }
            return nodes.first { $0.reported == "primary" && isIt($0.name) }?.name
        }
    }

    /// Writes through the port of this one node, which only a primary takes.
    private func write(on node: String, _ ports: [Int]) async throws {
        let port = try #require(zip(Self.nodes, ports).first { $0.0 == node }?.1)
        let write = try await project.sql(
            "INSERT INTO notes VALUES ('\(value)')", ports: [port], password: try project.passwords()["superuser"],
            timeout: 60)
        #expect(write.succeeded, "\(node): \(write.standardError)")
    }
}
