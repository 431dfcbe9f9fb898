import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// What breaks without pgaf's doing mends without its help, while a client writes; and what is stopped in order
    /// starts in order.
    @Suite(.serialized) struct ComingBackTests {
        private let cluster: PgafProject

        init() throws { cluster = try TestCluster.local() }

        /// Breaks something while a client writes, waits until all is healthy again, and looks for every row.
        ///
        /// - Parameter fault: ends when the containers that it concerns have been started again: `status` believes nothing
        ///   that the monitor knows from before.
        private func survive(_ what: String, _ fault: (FormationState) async throws -> Void) async throws {
            _ = try await cluster.up()
            let before = try await cluster.waitUntilHealthy("the start")
            try await cluster.whileWritten(what) {
                let start = ContinuousClock.now
                try await fault(before)
                let state = try await cluster.waitUntilHealthy(what)
                #expect(state.nodes.count { $0.reportedState == "primary" } == 1)
                print("\(what): healthy after \((ContinuousClock.now - start).brief)")
            }
        }

        private func docker(_ arguments: [String]) async throws {
            let result = try await cluster.command("docker", arguments)
            #expect(result.succeeded, "\(result.standardError)")
        }

        /// Of each container its state and when it was last started.
        private func runtimes() async throws -> [String] {
            let shown = try await cluster.command(
                "docker",
                ["container", "inspect", "--format", "{{.State.Status}} {{.State.StartedAt}}"] + TestCluster.containers)
            #expect(shown.succeeded, "\(shown.standardError)")
            return shown.standardOutput.split(separator: "\n").map(String.init)
        }

        @Test func aRestartOfAllContainersAtOnce() async throws {
            try await survive("a restart of everything") { _ in
                try await docker(["restart"] + TestCluster.containers)
            }
        }

        @Test func aKillOfThePrimaryAndAStandby() async throws {
            try await survive("a kill of two nodes") { state in
                let primary = try #require(state.nodes.first { $0.reportedState == "primary" }?.name)
                let standby = try #require(state.nodes.first { $0.reportedState == "secondary" }?.name)
                let before = try await runtimes()
                // As a crash, not as somebody's order to stop: Docker's restart policy brings them back.
                for name in [primary, standby] {
                    let process = try await cluster.command(
                        "docker", ["container", "inspect", "--format", "{{.State.Pid}}", name])
                    kill(try #require(pid_t(process.trimmedOutput)), SIGKILL)
                }
                try await Wait(for: "Docker to start both again", upTo: .seconds(60), hint: "").until {
                    let now = try await runtimes()
                    let back = zip(before, now).count { $0 != $1 && $1.hasPrefix("running ") }
                    return back == 2 ? .found(()) : .notYet("\(now)")
                }
            }
        }

        @Test func aRestartOfTheEngine() async throws {
            try await survive("a restart of the Docker engine") { _ in
                let engine = TestEngine()
                try await engine.stop()
                try await engine.start()
            }
        }

        @Test func aPausedPrimary() async throws {
            try await survive("a primary that was paused") { state in
                let primary = try #require(state.nodes.first { $0.reportedState == "primary" }?.name)
                try await docker(["pause", primary])
                _ = try await Wait(for: "a failover", upTo: .seconds(120), hint: "").until {
                    let now = try await cluster.state()
                    // The paused one still counts with what it reported last.
                    let others = now.nodes.filter { $0.name != primary }
                    return others.contains { $0.reportedState == "wait_primary" || $0.reportedState == "primary" }
                        ? .found(()) : .notYet("\(now.notes)")
                }
                // Paused by somebody, and nothing but that: `up` lets it go on.
                let events = try await cluster.up()
                #expect(PgafProject.changedSteps(events).first == "node.\(primary)")
            }
        }

        @Test func statusSaysWhatIsAwaitedAndWhatToType() async throws {
            _ = try await cluster.up()
            let before = try await cluster.waitUntilHealthy("the start")
            #expect(before.awaited == nil)
            let primary = try #require(before.nodes.first { $0.reportedState == "primary" }?.name)
            let standby = try #require(before.nodes.last { $0.reportedState == "secondary" }?.name)
            try await cluster.whileWritten("a standby that somebody stopped") {
                try await docker(["stop", standby])
                let stopped = try await cluster.state().awaited ?? []
                #expect(stopped.contains { $0.name == standby && $0.command == "pgaf-host start" }, "\(stopped)")
                let table = try await cluster.host(["status"]).standardOutput
                #expect(
                    table.contains(
                        "to do: the container \(standby) was stopped and stays so: `pgaf-host start` starts it"))
                _ = try await cluster.host(["start", "--progress", "none"])
                #expect(try await cluster.state().awaited == nil)
            }

            // Nobody's order: what is awaited then comes by itself, in the time that is told.
            try await cluster.whileWritten("a kill of the primary") {
                let process = try await cluster.command(
                    "docker", ["container", "inspect", "--format", "{{.State.Pid}}", primary])
                kill(try #require(pid_t(process.trimmedOutput)), SIGKILL)
                let told = try await Wait(
                    for: "something awaited", upTo: .seconds(60), every: .milliseconds(200), hint: ""
                )
                .until {
                    let awaited = try await cluster.state().awaited ?? []
                    return awaited.contains { $0.normally != nil } ? .found(awaited) : .notYet("all is well")
                }
                #expect(told.allSatisfy { $0.command == nil }, "\(told)")
                #expect(told.allSatisfy { $0.normally == nil || $0.text.contains("normally ") }, "\(told)")
                print("after a kill of the primary: \(told.map(\.text))")
                _ = try await cluster.waitUntilHealthy("a kill of the primary")
            }
        }

        @Test func aStoppedClusterComesUpWhicheverNodeWasPrimary() async throws {
            _ = try await cluster.up()
            let before = try await cluster.waitUntilHealthy("the start")
            let first = try #require(TestCluster.nodes.first)
            if before.nodes.first(where: { $0.reportedState == "primary" })?.name == first {
                _ = try await cluster.host(["switchover", "--progress", "none"])
            }
            let password = try cluster.passwords()["superuser"]
            let value = RunIdentifier.new()
            try await cluster.whileWritten("a stop, and an up instead of a start") {
                // The one that all others waited for goes first, and comes back as what the primary makes of it.
                try await docker(["stop", first])
                let write = try await cluster.sql(
                    "CREATE TABLE IF NOT EXISTS late (v text); INSERT INTO late VALUES ('\(value)')",
                    ports: TestCluster.ports, password: password, attributes: "read-write")
                #expect(write.succeeded, "\(write.standardError)")
                _ = try await cluster.host(["stop", "--progress", "none"])
                _ = try await cluster.up()
            }
            let after = try await cluster.state()
            #expect(after.healthy, "\(after.notes)")
            let read = try await cluster.sql(
                "SELECT count(*) FROM late WHERE v = '\(value)'", ports: TestCluster.ports, password: password,
                attributes: "read-write")
            #expect(read.trimmedOutput == "1", "\(read.standardError)")
        }

        @Test func whatIsStoppedInOrderStartsInOrder() async throws {
            _ = try await cluster.up()
            let before = try await cluster.waitUntilHealthy("the start")
            let primary = try #require(before.nodes.first { $0.reportedState == "primary" }?.name)
            try await cluster.whileWritten("a stop and a start") {
                let stopped = try await cluster.host(["stop", "--progress", "none"]).standardOutput
                let order = TestCluster.nodes.filter { $0 != primary } + [primary, TestCluster.monitor]
                #expect(stopped.hasPrefix("stopped \(order.joined(separator: ", ")); "))
                #expect(try await cluster.host(["stop", "--progress", "none"]).standardOutput.hasPrefix("nothing ran"))
                // As when the machine is started by other means: nothing runs again, not even for a moment.
                let states = try await runtimes()
                #expect(states.allSatisfy { $0.hasPrefix("exited ") }, "\(states)")
                let engine = TestEngine()
                try await engine.stop()
                try await engine.start()
                #expect(try await runtimes() == states)
                let started = try await cluster.host(["start", "--progress", "none"]).standardOutput
                #expect(started.contains("healthy"))
            }
            let after = try await cluster.state()
            #expect(after.healthy, "\(after.notes)")
            #expect(PgafProject.changedSteps(try await cluster.up()).isEmpty)
        }
    }
}
