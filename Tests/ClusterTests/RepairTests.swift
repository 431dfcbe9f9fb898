import Foundation
import GuestAgent
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// Half-made and half-lost nodes, and a monitor without memory: `up` says what it found and mends it, while a client
    /// writes; rows that were acknowledged stay.
    @Suite(.serialized) struct RepairTests {
        private let cluster: PgafProject

        init() throws { cluster = try TestCluster.local() }

        /// A healthy cluster with a row in it.
        private func begin() async throws -> (value: String, primary: String, standby: String) {
            _ = try await cluster.up()
            let state = try await cluster.waitUntilHealthy("the start")
            let value = RunIdentifier.new()
            let write = try await cluster.sql(
                "CREATE TABLE IF NOT EXISTS kept (v text); INSERT INTO kept VALUES ('\(value)')",
                ports: TestCluster.ports, password: try cluster.passwords()["superuser"], attributes: "read-write")
            #expect(write.succeeded, "\(write.standardError)")
            return (
                value, try #require(state.nodes.first { $0.reportedState == "primary" }?.name),
                try #require(state.nodes.last { $0.reportedState == "secondary" }?.name)
            )
        }

        /// Breaks something while a client writes; `up` mends it, and all rows are there, the first one on every node.
        private func mend(
            _ what: String, _ value: String, _ fault: () async throws -> Void
        ) async throws -> [Event] {
            let events = try await cluster.whileWritten(what) {
                try await fault()
                return try await cluster.up()
            }.value
            let state = try await cluster.state()
            #expect(state.healthy, "\(state.notes)")
            let password = try cluster.passwords()["superuser"]
            for port in TestCluster.ports {
                try await Wait(for: "the row on \(port)", upTo: .seconds(30), hint: "").until {
                    let read = try await cluster.sql(
                        "SELECT count(*) FROM kept WHERE v = '\(value)'", ports: [port], password: password)
                    return read.trimmedOutput == "1" ? .found(()) : .notYet(read.standardError)
                }
            }
            return events
        }

        private func warnings(_ events: [Event]) -> [String] {
            if case .result(let result) = events.last?.body { result.warnings } else { [] }
        }

        /// Runs a shell over a node's volume while its container is down.
        private func damage(_ node: String, _ script: String) async throws {
            _ = try await cluster.command("docker", ["kill", "--signal", "KILL", node])
            let result = try await cluster.command(
                "docker",
                [
                    "run", "--rm", "--network", "none", "--volumes-from", node, "--entrypoint", "sh",
                    "pgaf/pg_auto_failover:latest", "-c", script,
                ])
            #expect(result.succeeded, "\(result.standardError)")
            _ = try await cluster.command("docker", ["start", node])
        }

        @Test func aMonitorThatLostItsVolumeGetsItsNodesBackWhileTheyTakeWrites() async throws {
            let (value, primary, _) = try await begin()
            let events = try await mend("a monitor that lost its volume", value) {
                _ = try await cluster.command("docker", ["rm", "--force", TestCluster.monitor])
                #expect(try await cluster.command("docker", ["volume", "rm", "\(TestCluster.monitor)_data"]).succeeded)
            }
            #expect(PgafProject.changedSteps(events).contains("registration"))
            #expect(try await cluster.state().nodes.first { $0.reportedState == "primary" }?.name == primary)
        }

        @Test func aContainerWithoutARowRegistersAgain() async throws {
            let (value, _, standby) = try await begin()
            let events = try await mend("a standby whose row is gone", value) {
                let removal = try await TestCluster.onMonitor(
                    "SELECT pgautofailover.remove_node(nodeid, true) FROM pgautofailover.node WHERE nodename = '\(standby)'",
                    cluster
                )
                #expect(removal.trimmedOutput == "t")
            }
            #expect(PgafProject.changedSteps(events).first == "registration")
        }

        @Test func aStandbyWithoutItsDataDirectoryIsMadeAnew() async throws {
            let (value, _, standby) = try await begin()
            let events = try await mend("a standby without its data directory", value) {
                try await damage(standby, "rm -rf /var/lib/pgaf/data")
                let plan = try await cluster.host(["plan"], expecting: 2).standardOutput
                #expect(plan.contains("make \(standby) anew from the primary: the data directory is gone"), "\(plan)")
            }
            #expect(warnings(events).contains { $0.contains("\(standby) was made anew") })
            #expect(PgafProject.changedSteps(events).contains("node.\(standby)"))
        }

        /// The monitor alone is left, and knows all nodes.
        @Test func aFormationWithoutAnyDataIsRefusedAndMayBeginAnew() async throws {
            _ = try await begin()
            _ = try await cluster.command("docker", ["rm", "--force"] + TestCluster.nodes)
            let data = TestCluster.nodes.map { "\($0)_data" }
            let left = try await volumes().subtracting(data)
            #expect(try await cluster.command("docker", ["volume", "rm"] + data).succeeded)
            for arguments in [["plan"], ["up", "--progress", "none"]] {
                let refused = try await cluster.host(arguments, expecting: 78).standardError
                #expect(refused.contains("no other node of the formation has data any more"), "\(refused)")
                #expect(refused.contains("`pgaf-host up --fresh`"), "\(refused)")
            }
            #expect(try await volumes() == left)
            _ = try await cluster.host(["up", "--fresh", "--yes", "--progress", "none"])
            try await cluster.expectHealthy()
        }

        @Test func aPrimaryWithoutPgAutoctlsMemoryIsMadeAnewAndItsDataSetAside() async throws {
            let (value, primary, _) = try await begin()
            let events = try await mend("a primary without pg_autoctl's memory", value) {
                try await damage(primary, "rm -rf /var/lib/pgaf/share/pg_autoctl")
            }
            // Beside what another repair of this node may have set aside.
            let warning = warnings(events).first {
                $0.contains("data.set-aside") && $0.contains("in the volume \(primary)_data")
            }
            let words = warning?.split(separator: " ").map(String.init) ?? []
            let place = try #require(words.first { $0.contains("data.set-aside") }, "\(warnings(events))")
            let aside = try await cluster.command(
                "docker", ["exec", primary, "test", "-s", "\(place)/global/pg_control"])
            #expect(aside.succeeded)
            #expect(PgafProject.changedSteps(events).contains("node.\(primary)"))
        }

        /// As one that is put back to an old copy on which somebody had started the server by hand, without its
        /// standby.signal: PostgreSQL refuses to follow another primary after that, and pg_autoctl tries it for ever.
        @Test func aStandbyThatLeftThePrimarysHistoryIsMadeAnew() async throws {
            let (value, primary, standby) = try await begin()
            let next = try #require(TestCluster.nodes.first { $0 != primary && $0 != standby })
            let events = try await mend("a standby that left the primary's history", value) {
                try await damage(standby, "cp -a /var/lib/pgaf/data /var/lib/pgaf/data.old")
                _ = try await cluster.waitUntilHealthy("a kill of the standby")
                _ = try await cluster.host(["switchover", "--to", next, "--progress", "none"])
                try await damage(
                    standby,
                    """
                    set -e
                    cd /var/lib/pgaf/data.old
                    cat > /tmp/by-hand <<'END'
                    set -e
                    rm -f standby.signal postmaster.pid
                    pg_ctl -D . -s -w -l /tmp/log start -o "-c listen_addresses= -c unix_socket_directories=/tmp \
                        -c synchronous_standby_names= -c ssl=off -c data_directory=/var/lib/pgaf/data.old"
                    # More than the clients of the others write until it is back.
                    psql -h /tmp -XAtqc "SELECT pg_logical_emit_message(false, 'pgaf', repeat('x', 10000000))" postgres
                    pg_ctl -D . -s -w stop
                    touch standby.signal
                    END
                    gosu postgres sh /tmp/by-hand || { cat /tmp/log; exit 1; } >&2
                    cd ..
                    rm -rf data
                    mv data.old data
                    """)
            }
            #expect(
                warnings(events).contains { $0.contains("its data cannot follow the primary's any more") },
                "\(warnings(events))")
            #expect(PgafProject.changedSteps(events).contains("node.\(standby)"))
        }

        /// The server says what is wrong with it before it is in force; and what keeps one from starting is corrected.
        @Test func aWrongSettingIsRefusedAndOneInTheFileIsCorrected() async throws {
            let (value, _, standby) = try await begin()
            let file = "/var/lib/pgaf/clusters/\(TestCluster.name)/nodes/\(standby)/etc/postgresql.conf"
            let text = try String(contentsOfFile: file, encoding: .utf8)
            _ = try await mend("wrong settings", value) {
                let refused = try await cluster.host(
                    ["up", "--progress", "none", "--set", "postgres.settings.work_mem=banana"], expecting: 69)
                #expect(refused.standardError.contains("work_mem"), "\(refused.standardError)")
                #expect(refused.standardError.contains("Correct `postgres.settings`"))
                // The machine remembers the configuration again, and nobody knows what a run that failed has made of it:
                // the servers read the former files again, once.
                let again = PgafProject.changedSteps(try await cluster.up())
                #expect(again.allSatisfy { $0 == "preflight" || $0.hasPrefix("access.") }, "\(again)")
                #expect(PgafProject.changedSteps(try await cluster.up()).isEmpty)

                try (text + "shared_buffers = '100TB'\n").write(toFile: file, atomically: true, encoding: .utf8)
                _ = try await cluster.command("docker", ["restart", standby])
            }
            #expect(try String(contentsOfFile: file, encoding: .utf8) == text)
        }

        /// As after a command of pg_autoctl's, or a change of roles, on a full disk; and as a kill leaves them that comes
        /// between a registration and what is noted of it.
        @Test func whoseSettingsOfPgAutoctlAreLostKeepsItsPlace() async throws {
            let (value, primary, standby) = try await begin()
            let before = try await cluster.state().nodes.map(\.id)
            let file = ContainerLayout.keeperConfiguration
            func inside(_ node: String, _ words: String...) async throws -> String {
                let result = try await cluster.command("docker", ["exec", node] + words)
                #expect(result.succeeded, "\(result.standardError)")
                return result.trimmedOutput
            }
            let events = try await mend("empty settings of pg_autoctl", value) {
                for node in [primary, standby] { _ = try await inside(node, "truncate", "-s", "0", file) }
            }
            #expect(PgafProject.changedSteps(events).contains("restarts"))
            #expect(warnings(events).isEmpty)
            for node in [primary, standby] { #expect(try await Int(inside(node, "stat", "-c", "%s", file)) ?? 0 > 500) }
            _ = try await mend("settings of pg_autoctl that are gone, or broke off", value) {
                try await damage(standby, "sed -i 's/^group = 0$/group = -1/' \(file)")
                try await damage(TestCluster.monitor, ": > \(file)")
                try await damage(
                    try #require(TestCluster.nodes.first { ![primary, standby].contains($0) }), "rm \(file)")
            }
            #expect(PgafProject.changedSteps(try await cluster.up()).isEmpty)
            #expect(try await cluster.state().nodes.map(\.id) == before, "somebody has registered once more")
        }

        @Test func aRowWithoutContainerAndVolumeIsMadeAnew() async throws {
            let (value, _, standby) = try await begin()
            _ = try await mend("a standby without container and volume", value) {
                _ = try await cluster.command("docker", ["rm", "--force", standby])
                #expect(try await cluster.command("docker", ["volume", "rm", "\(standby)_data"]).succeeded)
            }
        }

        @Test func aDroppedNodeComesBack() async throws {
            let (value, _, standby) = try await begin()
            _ = try await mend("a node that was dropped", value) {
                let drop = try await cluster.command(
                    "docker",
                    [
                        "exec", "--user", "postgres", TestCluster.monitor, "pg_autoctl", "drop", "node", "--name",
                        standby,
                        // It would wait for a row to go that may have come back by then: Docker starts the container again.
                        "--wait", "0",
                    ])
                #expect(drop.succeeded, "\(drop.standardError)")
            }
        }

        @Test func aNodeThatIsNoLongerWantedLeavesAndMayComeBack() async throws {
            let (value, primary, _) = try await begin()
            // The hardest one: the primary itself.
            let left = zip(TestCluster.nodes, TestCluster.ports).filter { $0.0 != primary }
                .map { "{name: \($0.0), port: \($0.1)}" }.joined(separator: ", ")
            _ = try await mend("a primary that leaves and comes back", value) {
                let events = try await cluster.up(["--set", "nodes=[\(left)]"])
                #expect(PgafProject.changedSteps(events).contains("departures"))
                #expect(warnings(events).contains { $0.contains("stays in the volume \(primary)_data") })
                let state = try await cluster.state()
                #expect(state.healthy && state.nodes.count == 2, "\(state.notes)")
                let containers = try await cluster.command("docker", ["ps", "--all", "--format", "{{.Names}}"])
                #expect(!containers.standardOutput.split(separator: "\n").contains(Substring(primary)))
            }
            #expect(try await cluster.state().nodes.count == 3)
        }

        private func volumes() async throws -> Set<String> {
            let list = try await cluster.command(
                "docker",
                ["volume", "ls", "--filter", "label=pgaf.cluster=\(TestCluster.name)", "--format", "{{.Name}}"])
            return Set(list.standardOutput.split(separator: "\n").map(String.init))
        }

        @Test func theDataOfANodeThatLeftIsRemovedOnlyWhenAsked() async throws {
            let (value, _, standby) = try await begin()
            let all = try await volumes()
            var before = try await TestCluster.identifiers(cluster)
            let left = zip(TestCluster.nodes, TestCluster.ports).filter { $0.0 != standby }
                .map { "{name: \($0.0), port: \($0.1)}" }.joined(separator: ", ")
            let flags = ["--set", "nodes=[\(left)]"]
            _ = try await mend("a node that leaves for good", value) {
                _ = try await cluster.up(flags)
                // Told again by each run, also by one that has nothing to do.
                let idle = try await cluster.up(flags)
                #expect(warnings(idle).contains { $0.contains("\(standby)_data; `pgaf-host up --purge` removes it") })
                #expect(try await volumes() == all)
                let plan = try await cluster.host(["plan", "--purge"] + flags, expecting: 2).standardOutput
                #expect(plan.contains("remove the volume \(standby)_data with the data of the former node \(standby)"))
                #expect(
                    try await cluster.host(["up", "--purge"] + flags, expecting: 64).standardError.contains("--yes"))
                #expect(try await volumes() == all)
                let events = try await cluster.up(["--purge", "--yes"] + flags)
                #expect(PgafProject.changedSteps(events) == ["volumes"] && warnings(events).isEmpty)
                #expect(try await volumes() == all.subtracting(["\(standby)_data"]))
                #expect(PgafProject.changedSteps(try await cluster.up(["--purge", "--yes"] + flags)).isEmpty)

                // Without its volume it joins as a node that there never was: announced, and no other container is touched.
                let joining = try await cluster.host(["plan", "--json"], expecting: 2).standardOutput
                let steps = try JSONDecoder().decode(ClusterPlan.self, from: Data(joining.utf8)).steps
                for name in TestCluster.nodes {
                    let expected = name == standby ? ["create container \(name)"] : []
                    #expect(steps.first { $0.id == "node.\(name)" }?.changes == expected)
                }
            }
            #expect(try await volumes() == all)
            var after = try await TestCluster.identifiers(cluster)
            #expect(before.removeValue(forKey: standby) != after.removeValue(forKey: standby))
            #expect(before == after)
        }
    }
}
