import Shared
import TestSupport
import Testing

@testable import GuestAgent

/// `plan` against `up` on a machine that pretends.
@Suite struct PlanRunTests {
    private let machine = TestMachine()
    private let cluster = FakeCluster()
    private let configuration: Configuration

    init() throws {
        configuration = TestMachine.configuration()
        cluster.install(on: machine)
        try machine.becomeDebian()
    }

    private func request(
        _ configuration: Configuration?, _ secrets: ClusterSecrets, _ options: Request.Options = Request.Options()
    ) -> Request {
        Request(
            run: machine.events.run, configuration: configuration ?? self.configuration, secrets: secrets,
            options: options)
    }

    private func plan(
        _ configuration: Configuration? = nil, secrets: ClusterSecrets = TestMachine.secrets,
        _ options: Request.Options = Request.Options()
    ) async throws -> ClusterPlan {
        try await PlanRun(
            runner: machine.runner, store: machine.store, request: request(configuration, secrets, options)
        ).plan()
    }

    /// Runs `up`; gives back the steps of its plan and what changed.
    private func up(
        _ configuration: Configuration? = nil, secrets: ClusterSecrets = TestMachine.secrets,
        _ options: Request.Options = Request.Options()
    ) async throws -> (plan: [PlannedStep], changed: [String]) {
        let before = machine.written.count
        let status = await UpRun(
            runner: machine.runner, store: machine.store, request: request(configuration, secrets, options),
            events: machine.events
        ).run()
        let events = machine.written.dropFirst(before).map(\.body)
        #expect(status == 0, "\(String(describing: events.last))")
        let plans = events.compactMap { if case .plan(let steps) = $0 { steps } else { nil } }
        let changed = events.compactMap { event -> String? in
            if case .stepFinished(let step, .changed, _) = event { step } else { nil }
        }
        return (try #require(plans.first), changed.sorted())
    }

    private func changing(_ plan: ClusterPlan) -> [String] {
        plan.steps.filter { $0.action != .none }.map(\.id).sorted()
    }

    @Test func onANewMachineEverythingIsToBeMadeAndNothingIsTouched() async throws {
        let before = machine.everything()
        let plan = try await plan()
        #expect(machine.everything() == before)
        #expect(!machine.files.exists("/var/lib/pgaf") && !machine.files.exists("/run/pgaf"))
        #expect(try machine.store.state("pgaf") == nil)
        #expect(plan.cluster == "pgaf" && plan.exitCode == 2 && plan.notes.isEmpty)
        #expect(
            plan.steps.filter { $0.action == .none }.map(\.id) == [
                "repositories", "docker", "psql-client", "registration", "departures", "restarts", "verify", "volumes",
            ])
        #expect(plan.steps.first { $0.id == "node.pgnode2" }?.changes == ["create container pgnode2"])
        #expect(plan.steps.first { $0.id == "access.pgnode2" }?.changes == ["set up access to pgnode2"])
        #expect(
            plan.steps.first { $0.id == "failover-settings" }?.changes == [
                "monitor_node, postgresql.conf: set the lasting failover timings once the nodes are up"
            ])
        #expect(machine.written.isEmpty)
        let run = try await up()
        #expect(run.plan == plan.steps)
    }

    /// The agent by hand, in a machine whose clients come by forwarded ports.
    @Test func portsStayPublishedWhereAHostHadThem() async throws {
        _ = try await up(nil, Request.Options(publishEverywhere: true))
        #expect(changing(try await plan()).isEmpty)
        let closed = try await plan(nil, Request.Options(publishEverywhere: false))
        #expect(changing(closed).contains("node.pgnode1"))
    }

    @Test func aSettingThatNeedsARestartIsPlannedAndGetsIt() async throws {
        _ = try await up()
        var wanted = configuration
        wanted.postgres.settings = ["max_connections": "200", "work_mem": "8MB"]
        let planned = try await plan(wanted).steps.first { $0.id == "restarts" }
        let lines = ["pgnode1", "pgnode2", "pgnode3"].map { "restart PostgreSQL of \($0): max_connections 100 → 200" }
        #expect(planned?.changes == lines)
        // What the server says once its file is there.
        cluster.change { memory in
            for node in memory.registered { memory.heldBack[node] = [["max_connections", "100", "200"]] }
        }
        #expect(try await up(wanted).changed.contains("restarts"))
        #expect(cluster.change { $0.restarts } == ["pgnode2", "pgnode3", "pgnode1"])
        #expect(try await plan(wanted).exitCode == 0)
    }

    @Test func afterUpThereIsNothingToDo() async throws {
        _ = try await up()
        let (files, written, before) = (machine.everything(), machine.written.count, machine.runner.lines.count)
        let plan = try await plan()
        #expect(plan.changes == 0 && plan.exitCode == 0 && plan.notes.isEmpty)
        #expect(plan.steps.count == 21 && plan.steps.allSatisfy { $0.changes.isEmpty && $0.waits == nil })
        #expect(machine.everything() == files && machine.written.count == written)
        let looks: Set<String> = ["version", "info", "ps", "container", "image", "network", "volume", "exec"]
        for line in machine.runner.lines.dropFirst(before) where line[0] == "docker" {
            #expect(looks.contains(line[1]) && !line.contains("pg_autoctl"), "\(line)")
        }
    }

    @Test func aNarrowerRangeAndAnotherPortAreToldToTheLineAndDoneExactlySo() async throws {
        _ = try await up()
        var wanted = configuration
        wanted.access.clientCIDR = "10.0.0.0/8"
        let (old, new) = (configuration.nodes[1].port, ListeningPort.free())
        wanted.nodes[1].port = new
        let plan = try await plan(wanted)
        func rules(_ node: String) -> [String] {
            [
                "\(node), pg_hba.conf: - hostssl all \"postgres\" 0.0.0.0/0 scram-sha-256",
                "\(node), pg_hba.conf: + hostssl all \"postgres\" 10.0.0.0/8 scram-sha-256",
            ]
        }
        let changes = Dictionary(uniqueKeysWithValues: plan.steps.map { ($0.id, $0.changes) }).filter {
            !$0.value.isEmpty
        }
        let expected: [String: [String]] = [
            "preflight": [
                "remember nodes.pgnode2.port: \(old) → \(new)", "remember access.client_cidr: 0.0.0.0/0 → 10.0.0.0/8",
            ],
            "node.pgnode2": [
                "make container pgnode2 anew on its volume",
                "pgnode2, docker run: --publish 127.0.0.1:\(old):5432 → 127.0.0.1:\(new):5432",
            ] + rules("pgnode2"),
            "access.pgnode1": rules("pgnode1"), "access.pgnode3": rules("pgnode3"),
            "failover-settings": [
                "monitor_node, pg_hba.conf: - hostssl pg_auto_failover autoctl_node 0.0.0.0/0 scram-sha-256",
                "monitor_node, pg_hba.conf: + hostssl pg_auto_failover autoctl_node 10.0.0.0/8 scram-sha-256",
            ],
        ]
        #expect(changes == expected)
        #expect(plan.changes == 12)
        let run = try await up(wanted)
        #expect(run.plan == plan.steps && run.changed == changing(plan))
        #expect(try await self.plan(wanted).changes == 0)
    }

    @Test func settingsOfPostgreSQLAndOfTheFailover() async throws {
        _ = try await up()
        var wanted = configuration
        wanted.postgres.settings = ["work_mem": "9MB", "log_statement": "ddl"]
        wanted.failover.profile = .fast
        let plan = try await plan(wanted)
        let access = plan.steps.first { $0.id == "access.pgnode3" }?.changes
        #expect(
            access == [
                "pgnode3, postgresql.conf: + log_statement ddl", "pgnode3, postgresql.conf: work_mem 13MB → 9MB",
            ])
        let failover = try #require(plan.steps.first { $0.id == "failover-settings" }?.changes)
        #expect(failover.contains("monitor_node, postgresql.conf: + pgautofailover.health_check_period 1000"))
        #expect(failover.suffix(3).first == "network_partition_timeout of pgnode1: 20 s → 5 s")
        let run = try await up(wanted)
        #expect(run.plan == plan.steps && run.changed == changing(plan))
        #expect(try await self.plan(wanted).changes == 0)
    }

    @Test func aPriorityChangesWithoutAnotherContainer() async throws {
        _ = try await up()
        var wanted = configuration
        wanted.nodes[1].candidatePriority = 10
        let plan = try await plan(wanted)
        #expect(changing(plan) == ["failover-settings", "preflight"])
        #expect(
            plan.steps.first { $0.id == "failover-settings" }?.changes == ["candidate priority of pgnode2: 50 → 10"])
        let run = try await up(wanted)
        #expect(run.plan == plan.steps && run.changed == changing(plan))
        #expect(try await self.plan(wanted).changes == 0)
    }

    @Test func aNodeThatLeaves() async throws {
        _ = try await up()
        var wanted = configuration
        wanted.nodes.removeLast()
        let plan = try await plan(wanted)
        #expect(plan.steps.first { $0.id == "preflight" }?.changes == ["remember nodes: - pgnode3"])
        #expect(
            plan.steps.first { $0.id == "departures" }?.changes
                == ["take pgnode3 out of the formation and remove its container; its volume stays"])
    }

    @Test func aNodeThatComesBringsItsOwnSettings() async throws {
        var fast = configuration
        fast.failover.profile = .fast
        _ = try await up(fast)
        fast.nodes.append(NodeSettings(name: "pgnode4", port: ListeningPort.free()))
        let plan = try await plan(fast)
        #expect(
            plan.steps.first { $0.id == "preflight" }?.changes == [
                "remember nodes: + pgnode4", "remember address of pgnode4: 172.30.7.14",
            ])
        #expect(
            plan.steps.first { $0.id == "failover-settings" }?.changes
                == ["network_partition_timeout of pgnode4: 20 s → 5 s"])
        let run = try await up(fast)
        #expect(run.plan == plan.steps && run.changed.contains("node.pgnode4"))
        #expect(try await self.plan(fast).changes == 0)
    }

    @Test func anotherBaseImageMakesAllThatStandsOnIt() async throws {
        _ = try await up()
        cluster.change { $0.images["pgaf/base:trixie"] = [Label.hash: "0123456789abcdef"] }
        let plan = try await plan()
        let new = ContentHash.short(BaseImageStep.hash)
        #expect(
            plan.steps.first { $0.id == "base-image" }?.changes
                == ["make pgaf/base:trixie from the Debian archive again: 0123456789ab → \(new)"])
        #expect(plan.steps.first { $0.id == "image" }?.changes.first?.hasSuffix(" → on another base image") == true)
        #expect(plan.steps.first { $0.id == "monitor" }?.changes == ["make container monitor_node anew on its volume"])
    }

    @Test func aStoppedNodeIsStartedAndWaitedFor() async throws {
        _ = try await up()
        cluster.change {
            $0.containers["pgnode3"]?.running = false
            $0.containers["pgnode3"]?.status = "exited"
        }
        let plan = try await plan()
        #expect(changing(plan) == ["node.pgnode3"])
        #expect(
            plan.steps.first { $0.id == "access.pgnode3" }?.waits == [
                "see what access to pgnode3 lacks once it answers"
            ])
        let run = try await up()
        #expect(run.plan == plan.steps && run.changed == ["node.pgnode3"])
    }

    @Test func aNodeThatIsToBeMadeAnewIsAChangeAndOneThatOnlyStartsIsNone() async throws {
        _ = try await up()
        cluster.change {
            $0.silent = ["pgnode3"]
            $0.remains["pgnode3"] = "no\nno\nyes\nno"
        }
        let before = machine.everything()
        func step(_ plan: ClusterPlan) -> PlannedStep? { plan.steps.first { $0.id == "node.pgnode3" } }
        let ill = try await plan()
        #expect(ill.exitCode == 2 && changing(ill) == ["node.pgnode3"] && machine.everything() == before)
        #expect(
            step(ill)?.changes == [
                "make pgnode3 anew from the primary: pg_autoctl's memory of the node is gone; its old data is set aside"
                    + " in the volume pgnode3_data"
            ])
        let wait = "wait for pgnode3 to take its place (now: its PostgreSQL takes no connections)"
        #expect(step(ill)?.waits == [wait])

        // All is there; the last that its server said is what it also says before pg_autoctl rewinds it.
        cluster.change { $0.remains["pgnode3"] = "yes\nno\nyes\nyes" }
        let starting = try await plan()
        #expect(starting.exitCode == 0 && step(starting)?.waits == [wait])
        cluster.change { $0.sinceAssigned = 3600 }
        #expect(try await plan().exitCode == 2)

        cluster.change {
            $0.containers["pgnode3"] = nil
            $0.volumes["pgnode3_data"] = nil
        }
        let gone = try await plan()
        #expect(
            step(gone)?.changes == [
                "create container pgnode3", "make pgnode3 anew from the primary: what its volume held is gone",
            ])
    }

    @Test func changedPasswordsAreNamedAndNeverShown() async throws {
        _ = try await up()
        var secrets = TestMachine.secrets
        secrets.superuser = Secret("another-s3cret")
        let plan = try await plan(secrets: secrets)
        let changes = plan.steps.flatMap(\.changes)
        #expect(changes.contains("remember the changed passwords"))
        #expect(changes.filter { $0.hasPrefix("hand ") } == ["hand monitor_node the changed passwords"])
        #expect(changes.contains("set the password of postgres"))
        #expect(!changes.contains { $0.contains("s3cret") })
    }

    @Test func aTextThatHoldsAPasswordIsRedacted() async throws {
        _ = try await up()
        var wanted = configuration
        wanted.postgres.settings = ["archive_command": "push --key super-s3cret %p"]
        let changes = try await plan(wanted).steps.flatMap(\.changes)
        #expect(changes.contains("pgnode1, postgresql.conf: + archive_command 'push --key •••• %p'"))
        #expect(!changes.contains { $0.contains("super-s3cret") })
    }

    @Test func whatUpRefusesThePlanRefuses() async throws {
        _ = try await up()
        var wanted = configuration
        wanted.network.subnet = "172.30.8.0/24"
        #expect(await #expect(throws: PgafError.self) { try await plan(wanted) }?.code == .dataWouldBeLost)
        wanted = configuration
        wanted.nodes[0].name = "no name"
        #expect(await #expect(throws: PgafError.self) { try await plan(wanted) }?.code == .configurationInvalid)
    }

    @Test func anotherRunDoesNotStandInTheWayButIsTold() async throws {
        _ = try await up()
        let lock = try MachineLock(store: machine.store, holder: "run X").now()
        let plan = try await plan()
        withExtendedLifetime(lock) {}
        #expect(plan.changes == 0 && plan.notes.first?.contains("run X") == true)
    }

    @Test func whoeverIsNotRootIsToldSo() async throws {
        let store = ClusterStore(files: MachineFiles(root: machine.directory, user: 1000))
        let run = PlanRun(runner: machine.runner, store: store, request: request(nil, TestMachine.secrets))
        let error = await #expect(throws: PgafError.self) { try await run.plan() }
        #expect(error?.code == .privilegeMissing && error?.message.contains("runs as user id 1000,") == true)
    }

    @Test func anEngineThatDoesNotRunHidesTheRest() async throws {
        _ = try await up()
        cluster.change { $0.engine = false }
        let plan = try await plan()
        #expect(plan.steps.first { $0.id == "docker" }?.changes == ["start the Docker engine"])
        #expect(plan.notes.first?.hasPrefix("the Docker engine does not run") == true)
    }
}
