import Foundation
import Shared
import Synchronization
import TestSupport
import Testing

extension ClusterSuite {
    /// Runs that nobody has to sit by: links are cut, host programs killed, a second terminal comes in between.
    @Suite(.serialized) struct DetachedRunTests {
        private let cluster: PgafProject

        init() throws { cluster = try TestCluster.local() }

        @Test func aCutLinkLosesNoEventAndRepeatsNone() async throws {
            try await TestServer.run { server in
                let remote = try TestCluster.project(
                    directory: "\(server.directory)/project", machine: TestCluster.machine(server))
                let cuts = Mutex(0)
                let result = try await remote.host(["up", "--fresh", "--yes", "--progress", "json"]) { line in
                    guard let event = try? EventCoding.decode(line), case .stepStarted(let step) = event.body else {
                        return
                    }
                    guard ["monitor", "node.pgaf-test-2", "verify"].contains(step) else { return }
                    cuts.withLock { $0 += 1 }
                    for session in server.sessions() { kill(session, SIGKILL) }
                }
                #expect(cuts.withLock { $0 } == 3)
                let seen = try PgafProject.events(result.standardOutput)
                #expect(seen.map(\.seq) == Array(1...seen.count))
                let journal = try PgafProject.events(try await remote.host(["events", "--json"]).standardOutput)
                #expect(journal.map(\.seq) == Array(1...journal.count))
                // The host adds its own steps and makes the result its own; everything else is the machine's.
                let own: Set<String> = ["machine", "connect", "agent"]
                func isTheMachines(_ event: Event) -> Bool {
                    switch event.body {
                    case .stepStarted(let step), .stepOutput(let step, _), .stepProgress(let step, _, _),
                        .stepFinished(let step, _, _):
                        !own.contains(step)
                    case .heartbeat(let beat): !own.contains(beat.step ?? "")
                    case .plan(let steps): steps.first?.id != "machine"
                    default: event.body.type != "result"
                    }
                }
                #expect(seen.filter(isTheMachines).map(\.body) == journal.filter(isTheMachines).map(\.body))
                try await remote.expectHealthy()
            }
        }

        @Test func aKilledHostLeavesTheRunAndAnotherTerminalFollowsIt() async throws {
            _ = try await cluster.host(["destroy", "--yes"])
            let host = try cluster.background(["up", "--progress", "none"])
            let run = try await cluster.waitForStep("node.pgaf-test-1")
            kill(host.pid, SIGKILL)
            host.end()

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

        @Test func aTerminalThatIsClosedLeavesTheRunAlone() async throws {
            _ = try await cluster.up()
            _ = try await cluster.command("docker", ["rm", "--force", "pgaf-test-3"])
            let host = try cluster.background(["up", "--progress", "none"])
            let run = try await cluster.waitForStep("node.pgaf-test-3")
            kill(host.pid, SIGHUP)
            #expect(host.wait() == 75)
            _ = try await cluster.host(["attach", run])
            try await cluster.expectHealthy()
        }
    }
}
