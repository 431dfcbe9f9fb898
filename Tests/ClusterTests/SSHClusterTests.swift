import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// The same cluster taken over by SSH, from another project directory: passwords, published addresses and so every
    /// container change, the data stays. Then everything goes.
    @Suite(.serialized) struct SSHClusterTests {
        @Test func theSameClusterBySSHKeepsItsDataAndIsRemovedWhole() async throws {
            let local = try TestCluster.local()
            _ = try await local.up()
            let old = try #require(try local.passwords()["superuser"])
            let value = RunIdentifier.new()
            let write = try await local.sql(
                "CREATE TABLE IF NOT EXISTS kept (v text); INSERT INTO kept VALUES ('\(value)')",
                ports: TestCluster.ports, password: old, attributes: "read-write")
            #expect(write.succeeded, "\(write.standardError)")

            try await TestServer.run { server in
                let remote = try TestCluster.remote(server)
                let events = try await remote.up()
                #expect(events.contains { $0.body == .stepStarted(step: "connect") })
                let new = try #require(try remote.passwords()["superuser"])
                #expect(new != old)
                let read = try await remote.sql(
                    "SELECT count(*) FROM kept WHERE v = '\(value)'", ports: TestCluster.ports, password: new,
                    attributes: "read-write")
                #expect(read.trimmedOutput == "1", "\(read.standardError)")
                let refused = try await remote.sql("SELECT 1", ports: TestCluster.ports, password: old)
                #expect(!refused.succeeded)
                try await remote.expectHealthy()

                let second = try await remote.up()
                #expect(PgafProject.changedSteps(second).isEmpty)
                let promises = ClientPromises(remote)
                try await promises.aWriteIsReadEverywhereAndRefusedByStandbys()
                try await promises.nobodyGetsInWithoutTheRightPasswordOrWithoutTLS()
                let primary = try await remote.state().nodes.first { $0.reportedState == "primary" }?.name
                try await promises.aKilledContainerComesBack(try #require(primary))

                try await aRemovalGoesOnWhenItsLinkIsCut(remote, server)
                for kind in ["container", "volume", "network"] {
                    let left = try await remote.command(
                        "docker",
                        [kind, "ls", "--quiet", "--filter", "label=pgaf.cluster=\(TestCluster.name)"]
                            + (kind == "container" ? ["--all"] : []))
                    #expect(left.trimmedOutput.isEmpty, "\(kind)s are left")
                }
            }
            try FileManager.default.removeItem(atPath: local.directory)
        }

        private func aRemovalGoesOnWhenItsLinkIsCut(_ remote: PgafProject, _ server: TestServer) async throws {
            let end = try await remote.host(["destroy", "--yes"], cuttingAt: "remove.containers", of: server)
            #expect(end.status == .ok && end.cluster?.verb == "down")
            let removed = try #require(end.cluster?.removed)
            #expect(TestCluster.containers.allSatisfy { removed.contains("container \($0)") }, "\(removed)")
        }
    }
}
