import Foundation
import Shared
import Synchronization
import TestSupport
import Testing

extension ClusterSuite {
    /// Runs that nobody has to sit by: links are cut, host programs killed, a second terminal comes in between.
    ///
    /// First those that need just a cluster: one that was made by SSH has other published addresses, for which all its
    /// containers would be made anew.
    @Suite(.serialized) struct DetachedRunTests {
        private let cluster: PgafProject

        init() throws { cluster = try TestCluster.local() }

        @Test func aStopGoesOnWithoutItsHostAndAnotherTerminalFollowsIt() async throws {
            _ = try await cluster.up()
            let state = try await cluster.waitUntilHealthy("the start")
            let before = try await TestCluster.before(cluster)
            let primary = try #require(state.nodes.first { $0.reportedState == "primary" }?.name)
            let order = TestCluster.nodes.filter { $0 != primary } + [primary, TestCluster.monitor]
            try await cluster.whileWritten("a stop and a start whose pgaf-host was killed") {
                let host = try cluster.background(["stop", "--progress", "none"])
                let run = try await cluster.waitForStep("stop.\(order[0])")
                kill(host.pid, SIGKILL)
                host.end()

                let attached = try await cluster.host(["attach", run, "--progress", "json"])
                guard case .result(let result) = try PgafProject.events(attached.standardOutput).last?.body else {
                    Issue.record("the attached run has no result")
                    return
                }
                #expect(result.status == .ok && result.cluster?.containers == order)
                let said = try await cluster.host(["attach"]).standardOutput
                #expect(said.hasPrefix("stopped \(order.joined(separator: ", ")); "))
                for name in order {
                    let state = try await cluster.command(
                        "docker", ["container", "inspect", "--format", "{{.State.Running}}", name])
                    #expect(state.trimmedOutput == "false", "\(name)")
                }

                // The same of a start, whose end another terminal sees.
                let starting = try cluster.background(["start", "--progress", "none"])
                let second = try await cluster.waitForStep("start.nodes")
                kill(starting.pid, SIGKILL)
                starting.end()
                #expect(try await cluster.host(["attach", second]).standardOutput.contains("healthy"))
            }
            try await cluster.expectHealthy()
            try await TestCluster.expectNoLeftovers(cluster, since: before)
        }

        @Test func anInterruptEndsAStopBetweenTwoContainersAndAnotherGoesOn() async throws {
            _ = try await cluster.up()
            let before = try await cluster.waitUntilHealthy("the start")
            let first = try #require(before.nodes.first { $0.reportedState == "secondary" }?.name)
            try await cluster.whileWritten("a stop that was interrupted") {
                let host = try cluster.background(["stop", "--progress", "none"])
                let run = try await cluster.waitForStep("stop.\(first)")
                kill(host.pid, SIGINT)
                #expect(host.wait() == 130)
                let events = try PgafProject.events(try await cluster.host(["events", run, "--json"]).standardOutput)
                guard case .result(let result) = events.last?.body else {
                    Issue.record("a cancelled stop has no result")
                    return
                }
                #expect(result.status == .cancelled)
                #expect(result.error?.cause?.contains("stop.\(TestCluster.monitor)") == true)
                let rest = try await cluster.host(["stop", "--progress", "none"]).standardOutput
                #expect(rest.hasPrefix("stopped ") && rest.contains("\(TestCluster.monitor); "))
                _ = try await cluster.host(["start", "--progress", "none"])
            }
            try await cluster.expectHealthy()
        }

        @Test func aTerminalThatIsClosedLeavesTheRunAlone() async throws {
            _ = try await cluster.up()
            try await cluster.whileWritten("a repair whose terminal was closed") {
                _ = try await cluster.command("docker", ["rm", "--force", "pgaf-test-3"])
                let host = try cluster.background(["up", "--progress", "none"])
                let run = try await cluster.waitForStep("node.pgaf-test-3")
                kill(host.pid, SIGHUP)
                #expect(host.wait() == 75)
                _ = try await cluster.host(["attach", run])
            }
            try await cluster.expectHealthy()
        }

        @Test func aCutLinkLosesNoEventAndRepeatsNone() async throws {
            try await TestServer.run { server in
                let remote = try TestCluster.remote(server)
                var before = try await TestCluster.before(remote)
                let cuts = Mutex<[[String: String]?]>([])
                let result = try await remote.host(["up", "--fresh", "--yes", "--progress", "json"]) { line in
                    guard let event = try? EventCoding.decode(line), case .stepStarted(let step) = event.body else {
                        return
                    }
                    guard ["monitor", "node.pgaf-test-2", "verify"].contains(step) else { return }
                    cuts.withLock { $0.append(try? remote.passwords()) }
                    server.cutLinks()
                }
                #expect(cuts.withLock { $0.count } == 3)
                before.passwords = try #require(cuts.withLock { $0.first ?? nil }, "no passwords at the first cut")
                let seen = try PgafProject.events(result.standardOutput)
                #expect(seen.map(\.seq) == Array(1...seen.count))
                let journal = try PgafProject.events(try await remote.host(["events", "--json"]).standardOutput)
                #expect(journal.map(\.seq) == Array(1...journal.count))
                #expect(seen.filter(\.isTheMachines).map(\.body) == journal.filter(\.isTheMachines).map(\.body))
                try await remote.expectHealthy()
                try await TestCluster.expectNoLeftovers(remote, since: before)
            }
        }

        @Test func aStopAndAStartGoOnWhenTheirLinkIsCut() async throws {
            try await TestServer.run { server in
                let remote = try TestCluster.remote(server)
                _ = try await remote.up()
                let before = try await TestCluster.before(remote)
                try await remote.whileWritten("a stop and a start whose link was cut") {
                    for (verb, step) in [("stop", "stop.\(TestCluster.monitor)"), ("start", "settle")] {
                        let end = try await remote.host([verb], cuttingAt: step, of: server)
                        #expect(end.status == .ok && end.cluster?.verb == verb)
                        #expect(end.cluster?.containers.count == TestCluster.containers.count)
                    }
                }
                try await remote.expectHealthy()
                try await TestCluster.expectNoLeftovers(remote, since: before)
            }
        }

        @Test func aKilledHostLeavesTheRunAndAnotherTerminalFollowsIt() async throws {
            _ = try await cluster.host(["destroy", "--yes"])
            var before = try await TestCluster.before(cluster)
            let host = try cluster.background(["up", "--progress", "none"])
            let run = try await cluster.waitForStep("node.pgaf-test-1")
            kill(host.pid, SIGKILL)
            host.end()
            before.passwords = try cluster.passwords()

            let second = try await cluster.host(["up"], expecting: 75)
            #expect(second.standardError.contains("cluster.locked"))
            #expect(second.standardError.contains(run) && second.standardError.contains("pgaf-host attach"))

            let waiting = Task { try await cluster.host(["up", "--wait", "--progress", "json"]) }
            let attached = try await cluster.host(["attach", run, "--progress", "json"])
            let events = try PgafProject.events(attached.standardOutput)
            #expect(events.first?.body.type == "hello")
            guard case .result(let result) = events.last?.body else {
                Issue.record("the attached run has no result")
                return
            }
            #expect(result.status == .ok)
            let third = try PgafProject.events(try await waiting.value.standardOutput)
            #expect(PgafProject.changedSteps(third).allSatisfy { $0 == "failover-settings" })
            // One that has ended is followed just the same.
            #expect(try await cluster.host(["attach", run]).standardOutput.contains("connect from this machine:"))
            #expect(try await cluster.waitUntilHealthy("a killed host").healthy)
            try await TestCluster.expectNoLeftovers(cluster, since: before)
        }

        @Test func anInterruptInAPipeEndsTheRunInOrderAndTheNextOneGoesOn() async throws {
            _ = try await cluster.host(["destroy", "--yes"])
            let host = try cluster.background(["up", "--progress", "none"])
            let run = try await cluster.waitForStep("monitor")
            kill(host.pid, SIGINT)
            #expect(host.wait() == 130)
            let events = try PgafProject.events(try await cluster.host(["events", run, "--json"]).standardOutput)
            guard case .result(let result) = events.last?.body else {
                Issue.record("a cancelled run has no result")
                return
            }
            #expect(result.status == .cancelled)
            #expect(result.error?.cause?.contains("node.pgaf-test-3") == true)
            let again = try await cluster.up()
            #expect(PgafProject.changedSteps(again).contains("node.pgaf-test-3"))
            try await cluster.expectHealthy()
        }
    }
}
