import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// `.pgaf/` is gone, the cluster is there.
    @Suite(.serialized) struct LostMemoryTests {
        private let cluster: PgafProject

        init() throws { cluster = try TestCluster.local() }

        @Test func aRemovedDirectoryIsToldAndCostsOnlyThePasswords() async throws {
            _ = try await cluster.up()
            let old = try #require(try cluster.passwords()["superuser"])
            let identifiers = try await TestCluster.identifiers(cluster)
            let value = RunIdentifier.new()
            let write = try await cluster.sql(
                "CREATE TABLE IF NOT EXISTS kept (v text); INSERT INTO kept VALUES ('\(value)')",
                ports: TestCluster.ports, password: old, attributes: "read-write")
            #expect(write.succeeded, "\(write.standardError)")
            try FileManager.default.removeItem(atPath: "\(cluster.directory)/.pgaf")

            let (lost, passwords) = (
                "This directory has no memory of the cluster \"\(TestCluster.name)\", which this machine has",
                "`up` sets new ones (superuser, monitor, replication)"
            )
            let plan = try await cluster.host(["plan"], expecting: 2).standardOutput
            #expect(plan.contains("note: \(lost)") && plan.contains(passwords))
            let events = try await cluster.up()
            let told = events.firstIndex {
                if case .stepOutput("agent", let line) = $0.body { line.hasPrefix("warning: \(lost)") } else { false }
            }
            let begun = events.firstIndex { $0.body.type == "hello" }
            #expect(try #require(told) < #require(begun))
            guard case .result(let result) = events.last?.body else { throw CancellationError() }
            #expect(result.warnings.contains { $0.contains(passwords) })

            let new = try #require(try cluster.passwords()["superuser"])
            #expect(new != old)
            let read = try await cluster.sql(
                "SELECT count(*) FROM kept WHERE v = '\(value)'", ports: TestCluster.ports, password: new,
                attributes: "read-write")
            #expect(read.trimmedOutput == "1", "\(read.standardError)")
            let refused = try await cluster.sql("SELECT 1", ports: TestCluster.ports, password: old)
            #expect(!refused.succeeded && refused.standardError.contains("password authentication failed"))
            try await cluster.expectHealthy()
            #expect(try await TestCluster.identifiers(cluster) == identifiers)
            let second = try await cluster.up()
            guard case .result(let quiet) = second.last?.body else { throw CancellationError() }
            #expect(quiet.warnings.isEmpty && quiet.changed == 0)
        }
    }
}
