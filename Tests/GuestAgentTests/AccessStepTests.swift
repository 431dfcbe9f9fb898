import Shared
import Testing

@testable import GuestAgent

@Suite struct AccessStepTests {
    private let machine = TestMachine()
    private let topology: ClusterTopology
    private let cluster: FakeCluster

    init() {
        var configuration = Configuration()
        configuration.access.clientUser = "app"
        topology = TestMachine.topology(configuration)
        cluster = FakeCluster(topology)
        cluster.install(on: machine)
        cluster.change {
            for name in ["monitor_node", "pgnode1", "pgnode2"] {
                $0.containers[name] = ContainerStatus(name: name, status: "running", running: true)
            }
            $0.registered = ["pgnode1", "pgnode2"]
        }
    }

    private func step(_ index: Int) -> AccessStep {
        AccessStep(node: topology.configuration.nodes[index], topology: topology)
    }

    private var sql: [String] { machine.runner.commands.compactMap { $0.input?.revealed } }

    @Test func thePrimaryGetsRulesPasswordsAndTheDatabase() async throws {
        let context = machine.context(topology)
        try machine.files.makeDirectory(topology.configurationDirectory("pgnode1"))
        let changes = try await step(0).inspect(context)
        #expect(
            changes.map(\.subject) == ["files", "files", "files", "passwords", "passwords", "passwords", "database"])
        #expect(changes.map(\.description).contains("set the password of app"))
        try await step(0).apply(changes, context)
        #expect(try await step(0).inspect(context).isEmpty)
        #expect(sql.contains { $0.contains("quote_ident('app')") && $0.contains("CREATE ROLE") })
        let check = try #require(sql.firstIndex { $0.contains("pg_hba_file_rules") })
        let reload = try #require(sql.firstIndex { $0 == "SELECT pg_reload_conf();" })
        #expect(check < reload)
    }

    @Test func aDatabaseOfAnotherNameIsMade() async throws {
        var configuration = topology.configuration
        configuration.postgres.database = "orders"
        let topology = TestMachine.topology(configuration)
        let step = AccessStep(node: configuration.nodes[0], topology: topology)
        let context = machine.context(topology)
        try machine.files.makeDirectory(topology.configurationDirectory("pgnode1"))
        let changes = try await step.inspect(context)
        #expect(changes.last == Change(.create, "database", "create the database orders"))
        try await step.apply(changes, context)
        let statement = try #require(sql.last { $0.contains("CREATE DATABASE") })
        #expect(statement.contains("quote_ident('orders')") && statement.contains("datname = 'orders'"))
    }

    @Test func aWrongSettingIsRefusedAndTheOldFilesComeBack() async throws {
        let context = machine.context(topology)
        let directory = topology.configurationDirectory("pgnode1")
        try machine.files.makeDirectory(directory)
        try machine.files.write("work_mem = '4MB'\n", to: "\(directory)/postgresql.conf")
        cluster.change { $0.wrongSettings = "work_mem = 'banana': setting could not be applied" }
        let changes = try await step(0).inspect(context)
        let error = await #expect(throws: PgafError.self) { try await step(0).apply(changes, context) }
        #expect(error?.code == .accessFailed && error?.cause?.contains("banana") == true)
        #expect(!sql.contains("SELECT pg_reload_conf();"))
        #expect(try machine.files.read("\(directory)/postgresql.conf") == "work_mem = '4MB'\n")
    }

    /// A run that was killed between the files and the server's look at them.
    @Test func filesThatTheServerMayNotHaveReadAreReadAgain() async throws {
        let context = machine.context(topology)
        try machine.files.makeDirectory(topology.configurationDirectory("pgnode1"))
        try await step(0).apply(try await step(0).inspect(context), context)
        #expect(try await step(0).inspect(context).isEmpty)
        try machine.files.write("", to: "\(topology.directory)/nodes/pgnode1/unread")
        let changes = try await step(0).inspect(context)
        #expect(changes.map(\.subject) == ["files"])
        try await step(0).apply(changes, context)
        #expect(try await step(0).inspect(context).isEmpty)
    }

    @Test func aStandbyGetsItsRulesAlone() async throws {
        let context = machine.context(topology)
        try machine.files.makeDirectory(topology.configurationDirectory("pgnode2"))
        let changes = try await step(1).inspect(context)
        #expect(Set(changes.map(\.subject)) == ["files"])
        try await step(1).apply(changes, context)
        #expect(!sql.contains { $0.contains("ALTER ROLE") || $0.contains("CREATE DATABASE") })
    }

    @Test func aNodeThatDoesNotAnswerYetIsNoFailure() async throws {
        let changes = try await step(2).inspect(machine.context(topology))
        #expect(changes.last == Change(.create, "access", "set up access to pgnode3"))
    }

    @Test func aNodeThatStartsIsWaitedForAndThenSeenWhole() async throws {
        let context = machine.context(topology)
        try machine.files.makeDirectory(topology.configurationDirectory("pgnode1"))
        cluster.change { $0.refusals = 4 }
        let changes = try await step(0).inspect(context)
        #expect(changes.last == Change(.create, "access", "set up access to pgnode1"))
        try await step(0).apply(changes, context)
        #expect(try await step(0).inspect(context).isEmpty)
        #expect(sql.contains { $0.contains("CREATE DATABASE") })
    }

    @Test func anotherPasswordIsSetAndTheOthersAreLeft() async throws {
        let context = machine.context(topology)
        try machine.files.makeDirectory(topology.configurationDirectory("pgnode1"))
        try await step(0).apply(try await step(0).inspect(context), context)
        var secrets = TestMachine.secrets
        secrets.superuser = Secret("another one")
        let changed = machine.context(topology, secrets: secrets)
        let changes = try await step(0).inspect(changed)
        #expect(changes.map(\.description) == ["set the password of postgres"])
        try await step(0).apply(changes, changed)
        let last = try #require(sql.last { $0.contains("ALTER ROLE") })
        #expect(last.contains("ALTER ROLE \"postgres\"") && !last.contains("app") && !last.contains("another one"))
    }

    @Test func rulesThatPostgreSQLRefusesAreNotLoaded() async throws {
        let cluster = cluster
        machine.runner.on("docker", "exec") { command in
            (command.input?.revealed ?? "").contains("pg_hba_file_rules")
                ? CommandResult(standardOutput: "pg_hba.conf:3: invalid CIDR\n") : CommandResult(standardOutput: "t\n")
        }
        _ = cluster
        try machine.files.makeDirectory(topology.configurationDirectory("pgnode1"))
        let error = await #expect(throws: PgafError.self) {
            try await step(0).apply([Change(.change, "files", "")], machine.context(topology))
        }
        #expect(error?.code == .accessFailed && error?.cause == "pg_hba.conf:3: invalid CIDR")
        #expect(!sql.contains("SELECT pg_reload_conf();"))
    }

    @Test func failoverSettingsChangeOnlyWhatDiffers() async throws {
        var configuration = topology.configuration
        configuration.failover.profile = .fast
        configuration.nodes[1].candidatePriority = 10
        configuration.nodes[1].replicationQuorum = false
        let topology = TestMachine.topology(configuration)
        let step = FailoverSettingsStep(topology: topology)
        let directory = topology.configurationDirectory("monitor_node")
        for (name, text) in topology.monitorFiles { try machine.place("\(directory)/\(name)", text) }
        let changes = try await step.inspect(machine.context(topology))
        #expect(
            changes.map(\.subject) == ["priority.pgnode2", "quorum.pgnode2", "keeper.pgnode1", "keeper.pgnode2"])
        let before = machine.runner.lines.count
        try await step.apply(changes, machine.context(topology))
        let head = ["docker", "exec", "--user", "postgres"]
        let orders = machine.runner.lines.dropFirst(before).filter { line in line.contains { $0.contains("pg_autoctl") }
        }
        #expect(orders.allSatisfy { $0.starts(with: head) })
        // What the monitor is told comes first; then each keeper has its own, side by side.
        let told = ["pgnode2", "timeout", "240", "pg_autoctl", "set", "node"]
        #expect(
            orders.prefix(2).map { Array($0.dropFirst(4)) }
                == [told + ["candidate-priority", "10"], told + ["replication-quorum", "false"]])
        for node in ["pgnode1", "pgnode2"] {
            #expect(
                orders.dropFirst(2).filter { $0.contains(node) }.map { Array($0.suffix(2)) }
                    == [["timeout.network_partition_timeout", "5"], ["pg_autoctl", "reload"]])
        }
        #expect(orders.count == 6)
    }

    /// The monitor lets no node out of the quorum while it needs two standbys there.
    @Test func aQuorumThatGetsSmallerLowersTheNumberFirstAndOneThatGrowsRaisesItLast() async throws {
        cluster.change {
            $0.containers["pgnode3"] = ContainerStatus(name: "pgnode3", status: "running", running: true)
            $0.registered.append("pgnode3")
        }
        var configuration = topology.configuration
        configuration.nodes[2].replicationQuorum = false
        let topology = TestMachine.topology(configuration)
        for (name, text) in topology.monitorFiles {
            try machine.place("\(topology.configurationDirectory("monitor_node"))/\(name)", text)
        }
        let step = FailoverSettingsStep(topology: topology)
        let changes = try await step.inspect(machine.context(topology))
        #expect(
            changes.map(\.description) == [
                "replication quorum of pgnode3: true → false", "number_sync_standbys of the formation: 1 → 0",
            ])
        let before = machine.runner.commands.count
        try await step.apply(changes, machine.context(topology))
        let done = Array(machine.runner.commands.dropFirst(before))
        let number = try #require(
            done.firstIndex { $0.input?.revealed.contains("set_formation_number_sync_standbys('default', 0)") == true })
        let quorum = try #require(
            done.firstIndex { $0.arguments.suffix(3) == ["node", "replication-quorum", "false"] })
        #expect(number < quorum)
        let back = FailoverSettingsStep(topology: self.topology)
        #expect(
            try await back.inspect(machine.context(self.topology)).map(\.description).last
                == "number_sync_standbys of the formation: 0 → 1")
    }
}
