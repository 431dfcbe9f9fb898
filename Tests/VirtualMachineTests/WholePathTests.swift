import Foundation
import Shared
import TestSupport
import Testing

extension Tag {
    /// Needs vagrant, libvirt and QEMU, and takes many minutes where the machine is emulated.
    @Tag static var virtualMachine: Self
}

/// The whole path on real things: `pgaf-host up` makes a virtual machine with `vagrant up` and a cluster in it, clients
/// of this machine use it, it comes back after a reboot, and everything goes.
///
/// One test, since the machine is made once and each chapter needs the one before; and a shorter one, which `make test`
/// runs, since all chapters (`make vm`) take half an hour where the machine is emulated.
@Suite(.serialized, .tags(.virtualMachine)) struct WholePathTests {
    private static let machine = "pgaf-vm-tests"
    private let project: PgafProject
    /// Somebody else's: the third node's port has to move out of its way.
    private let taken = ListeningPort()
    private let configured: [Int]

    init() throws {
        // Ports of its own, so that forwarding does not depend on what else runs here.
        configured = [18001, 18002, taken.number]
        project = try PgafProject(
            directory: "\(NSTemporaryDirectory())/\(Self.machine)",
            yaml: """
                machine:
                  vagrant: {provider: libvirt, name: \(Self.machine), memory: 3072, cpus: 2}
                packages: {source: debian}
                monitor: {port: 18430}
                pooler: {port: 18432}
                nodes:
                  - {name: pgnode1, port: \(configured[0])}
                  - {name: pgnode2, port: \(configured[1])}
                  - {name: pgnode3, port: \(configured[2])}

                """)
    }

    /// `make vm` asks for all chapters.
    private static let wantsAll = ProcessInfo.processInfo.environment["PGAF_VM"] == "all"

    @Test(.disabled(if: wantsAll, "the other one has its chapters too")) func aMachineAClusterAndItsClients()
        async throws
    {
        try await tell {
            try await anUpThatLosesItsLinkAndThenItsHost()
            try await theMachineAndItsCluster()
            try await clientsOfThisMachine()
            try await whoGetsInFromThisMachine()
            try await aClientInTheMachine()
            try await aSecondUp()
            try await aPowerCut(rows: 2)
            try await aSleep(rows: 3)
        }
    }

    @Test(.enabled(if: wantsAll, "in `make vm`")) func aMachineAClusterAClientARebootAndTheEnd() async throws {
        try await tell {
            try await anUpThatLosesItsLinkAndThenItsMachine()
            try await anUpWhoseHostIsKilled()
            try await theMachineAndItsCluster()
            try await clientsOfThisMachine()
            try await whoGetsInFromThisMachine()
            try await aClientInTheMachine()
            try await aSecondUp()
            try await whatTheScriptsManualHasOneType()
            try await aClockThatJumpsAndAReboot()
            try await aPowerCut(rows: 6)
            try await aSleep(rows: 7)
        }
    }

    private func tell(_ chapters: () async throws -> Void) async throws {
        // What a killed run left behind.
        _ = try await project.host(["destroy", "--yes"], expecting: nil)
        do {
            try await chapters()
        } catch {
            _ = try await project.host(["destroy", "--yes"], expecting: nil)
            throw error
        }
        try await theEnd()
    }

    private var domain: String { "\(Self.machine)_default" }

    private func virsh(_ arguments: [String]) async throws -> String {
        try await project.runner.checked(
            Command("virsh", ["--connect", "qemu:///system", "--quiet"] + arguments), remedy: ""
        ).standardOutput
    }

    /// Pulls the machine's network cables, or puts them back.
    private func setLinks(_ state: String) async throws {
        let interfaces = try await virsh(["domiflist", domain]).split(separator: "\n")
            .compactMap { $0.split(separator: " ").first.map(String.init) }
        for interface in interfaces { _ = try await virsh(["domif-setlink", domain, interface, state]) }
    }

    private func say(_ text: String) { print("\(Timestamp.now()) \(text)") }

    /// Pulls the cable of an `up` in its middle, and has it connected again.
    private func loseTheLink(after former: String?) async throws {
        try await project.waitForEvent("the image to be there", after: former) { $0 == .stepStarted(step: "image") }
        say("pulling the cable")
        try await setLinks("down")
        try await project.waitForEvent("pgaf-host to notice", after: former) { body in
            if case .heartbeat(let beat) = body { beat.awaiting.contains("answer again") } else { false }
        }
        try await setLinks("up")
        try await project.waitForEvent("pgaf-host to be there again", after: former) { body in
            if case .stepOutput("connect", let line) = body { line.contains("connected again") } else { false }
        }
    }

    private func expectEveryEventOnce() {
        let events = project.recordedEvents()
        #expect(events.map(\.seq) == Array(1...events.count), "an event was lost or repeated")
    }

    private func anUpThatLosesItsLinkAndThenItsHost() async throws {
        let former = project.recordedRun
        let host = try project.background(["up", "--progress", "none"])
        try await loseTheLink(after: former)
        try await lose(host, after: former)
    }

    private func anUpThatLosesItsLinkAndThenItsMachine() async throws {
        let former = project.recordedRun
        let host = try project.background(["up", "--progress", "none"])
        try await loseTheLink(after: former)
        try await project.waitForEvent("the first node", after: former) { $0 == .stepStarted(step: "node.pgnode1") }
        expectEveryEventOnce()
        say("cutting the power")
        _ = try await virsh(["destroy", domain])
        _ = try await virsh(["start", domain])
        // The machine comes back without its run, and pgaf-host says so.
        #expect(host.wait() != 0)
        guard case .result(let result) = project.recordedEvents().last?.body else {
            Issue.record("the run has no result")
            return
        }
        say("the end of the first run: \(result.error?.message ?? "-")")
        #expect(result.status == .failed && result.error?.remedy.contains("up") == true)
    }

    private func anUpWhoseHostIsKilled() async throws {
        let former = project.recordedRun
        try await lose(try project.background(["up", "--progress", "none"]), after: former)
    }

    /// The run of a host that is killed goes on in the machine, and another terminal follows it to its end.
    private func lose(_ host: DaemonProcess, after former: String?) async throws {
        try await project.waitForEvent("the second node", after: former) { $0 == .stepStarted(step: "node.pgnode2") }
        expectEveryEventOnce()
        say("killing pgaf-host")
        kill(host.pid, SIGKILL)
        #expect(host.wait() == 128 + SIGKILL)
        let attached = try await project.host(["attach"], onLine: { print($0) })
        // Nothing can be told of a machine without its cluster.
        try #require(attached.status == 0)
        #expect(attached.standardOutput.contains("the cluster pgaf is up"))
    }

    private func theMachineAndItsCluster() async throws {
        say("looking at the machine and its cluster")
        let state = try await project.state()
        #expect(state.healthy, "\(state.notes)")
        #expect(state.nodes.count { $0.reportedState == "primary" } == 1)

        let groups = try await project.host(["ssh", "--", "id", "-nG"]).standardOutput
        #expect(groups.split(whereSeparator: \.isWhitespace).contains("docker"))
        let names = try await project.host(["ssh", "--", "docker", "ps", "--format", "{{.Names}}"]).standardOutput
        #expect(names.split(separator: "\n").sorted() == ["monitor_node", "pgnode1", "pgnode2", "pgnode3"])
    }

    /// Another row for each chapter, read on every node.
    private let value = RunIdentifier.new()

    private func clientsOfThisMachine() async throws {
        say("writing and reading through the forwarded ports")
        let ports = try await ports()
        #expect(ports.prefix(2) == configured.prefix(2))
        #expect(ports[2] != taken.number, "a port that is in use cannot be forwarded")
        try await writeAndRead("CREATE TABLE notes (v text); INSERT INTO notes VALUES ('\(value)')", count: 1)
        let psql = try await project.host(["psql", "--", "-XAtc", "SELECT v FROM notes"])
        #expect(psql.trimmedOutput == value)
        let refused = try await project.sql("SELECT 1", ports: [ports[0]], password: "wrong")
        #expect(refused.standardError.contains("password authentication failed"))
        try await whereTheyComeFrom(ports[0])
    }

    /// What README says under "Change something", for who sets `access.client_cidr`.
    private func whereTheyComeFrom(_ port: Int) async throws {
        let password = try #require(try project.passwords()["superuser"])
        let seen = try await project.sql("SELECT host(inet_client_addr())", ports: [port], password: password)
        // `vnet0  52:54:00:00:00:01  ipv4  192.168.121.153/24`
        let own = try await virsh(["domifaddr", domain]).split(separator: "\n")
            .compactMap { $0.split(separator: " ").last?.prefix { $0 != "/" } }.map(String.init)
        #expect(own.contains(seen.trimmedOutput), "\(seen.standardOutput)\(seen.standardError), the machine: \(own)")
        #expect(seen.trimmedOutput.hasPrefix("192.168.121."))
    }

    /// The connection string of the scripts' manual, typed in the machine, without the password that it has there.
    private func aClientInTheMachine() async throws {
        say("connecting in the machine")
        let words = configured.prefix(2).map { "\"postgresql://postgres@localhost:\($0)/myappdb\"" }
        let line =
            "read -r PGPASSWORD && export PGPASSWORD && for one in \(words.joined(separator: " ")); do"
            + " psql -XAtwc 'SELECT current_user, current_database()' \"$one\" </dev/null || exit; done"
        let password = try #require(try project.passwords()["superuser"])
        let result = try await project.runner.run(
            Command(
                "\(PgafProject.root)/.build/debug/pgaf-host", ["ssh", "--", "sh", "-c", line],
                input: Secret("\(password)\n"), workingDirectory: project.directory, deadline: .seconds(300)))
        #expect(result.succeeded, "\(result.standardError)")
        #expect(result.standardOutput == "postgres|myappdb\npostgres|myappdb\n")
    }

    /// By the forwarded ports: the rules' table (docs/security.md) as a client of this machine meets it; and by the address
    /// in the private network, where ports are as in the machine.
    private func whoGetsInFromThisMachine() async throws {
        say("trying who gets in")
        let node = try #require(try await ports().first)
        let monitor = try await monitorPort()
        let passwords = try project.passwords()
        let right = ["postgres": "superuser", "autoctl_node": "monitor", "pgautofailover_replicator": "replication"]
            .mapValues { passwords[$0] ?? "" }
        typealias Try = (port: Int, user: String, database: String, password: String?, mode: String, mayEnter: Bool)
        let tries: [Try] = [
            (node, "postgres", "myappdb", right["postgres"], "verify-full", true),
            (node, "postgres", "myappdb", right["postgres"], "disable", false),
            (node, "postgres", "myappdb", "wrong", "require", false),
            (node, "postgres", "myappdb", nil, "require", false),
            (node, "pgautofailover_replicator", "myappdb", right["pgautofailover_replicator"], "require", false),
            (node, "pgautofailover_monitor", "myappdb", "pgautofailover_monitor", "require", false),
            (node, "nobody", "myappdb", "wrong", "require", false),
            (monitor, "autoctl_node", "pg_auto_failover", right["autoctl_node"], "verify-full", true),
            (monitor, "autoctl_node", "pg_auto_failover", right["autoctl_node"], "disable", false),
            (monitor, "autoctl_node", "pg_auto_failover", "wrong", "require", false),
            (monitor, "postgres", "pg_auto_failover", right["postgres"], "require", false),
        ]
        func more(_ port: Int) -> [Try] {
            [
                (port, "postgres", "myappdb", right["postgres"], "verify-full", true),
                (port, "postgres", "myappdb", right["postgres"], "disable", false),
            ]
        }
        let all =
            tries.map { ("127.0.0.1", $0) } + more(node).map { ("localhost", $0) }
            + more(configured[0]).map { (Configuration().machine.vagrant.ip, $0) }
        // All at once: an emulated machine takes seconds for each.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (host, one) in all {
                var environment = [
                    "PGHOST": host, "PGPORT": "\(one.port)", "PGUSER": one.user, "PGDATABASE": one.database,
                    "PGSSLMODE": one.mode, "PGSSLROOTCERT": "\(project.directory)/.pgaf/ca.crt",
                    "PGPASSFILE": "/dev/null", "PGCONNECT_TIMEOUT": "120",
                ]
                environment["PGPASSWORD"] = one.password
                // Without the password.
                let words = "\(one.user) on \(host):\(one.port), \(one.mode)"
                group.addTask { [environment] in
                    let attempt = try await project.command("psql", ["-XAtwc", "SELECT 1"], environment: environment)
                    #expect(attempt.succeeded == one.mayEnter, "\(words): \(attempt.standardError)")
                    // Whoever is refused was heard first.
                    let wasHeard = ["FATAL", "password"].contains { attempt.standardError.contains($0) }
                    #expect(one.mayEnter || wasHeard, "\(words): \(attempt.standardError)")
                }
            }
            try await group.waitForAll()
        }
    }

    private func aSecondUp() async throws {
        say("a second up")
        // What `up` itself says of it; the machine's own steps included.
        #expect(PgafProject.changedSteps(try await project.up()).isEmpty)
    }

    /// A line as it stands in the manual of the scripts, typed after `vagrant ssh`: without sudo, without further flags.
    @discardableResult
    private func typed(_ line: String) async throws -> String {
        say("in the machine: \(line)")
        let result = try await project.command(
            "vagrant", ["ssh", "--no-color", "-c", line], directory: project.directory)
        #expect(result.succeeded, "\(line): \(result.lastLines())")
        return result.standardOutput
    }

    private func primary(_ state: FormationState) throws -> String {
        try #require(state.nodes.first { $0.reportedState == "primary" }?.name)
    }

    /// Its chapters "Verify" and "Testing": the state, a switchover, a crash of the primary and its return as a standby.
    private func whatTheScriptsManualHasOneType() async throws {
        let containers = try await typed("docker ps")
        #expect(["monitor_node", "pgnode1", "pgnode2", "pgnode3"].allSatisfy { containers.contains($0) })
        let state = "docker exec -u postgres monitor_node pg_autoctl show state"
        let shown = try await typed(state)
        #expect(["pgnode1", "pgnode2", "pgnode3", "primary", "secondary"].allSatisfy { shown.contains($0) })

        let first = try primary(try await project.state())
        try await typed("docker exec -u postgres monitor_node pg_autoctl perform switchover --formation default")
        let second = try primary(try await project.waitUntilHealthy("a switchover", upTo: .seconds(600)))
        #expect(second != first)
        try await writeAndRead("INSERT INTO notes VALUES ('\(value)')", count: 2)

        try await typed("docker stop \(second)")
        try await Wait(for: "a promotion", upTo: .seconds(600), every: .seconds(2), hint: "").until {
            let shown = try await project.state()
            let taker = shown.nodes.first {
                $0.name != second && ["wait_primary", "primary"].contains($0.reportedState)
            }
            return taker == nil ? .notYet("\(shown.notes)") : .found(())
        }
        let password = try #require(try project.passwords()["superuser"])
        let write = try await project.sql(
            "INSERT INTO notes VALUES ('\(value)')", ports: try await ports(), password: password,
            attributes: "read-write")
        #expect(write.succeeded, "\(write.standardError)")
        try await typed("docker start \(second)")
        let last = try await project.waitUntilHealthy("the return of the old primary", upTo: .seconds(600))
        #expect(last.nodes.first { $0.name == second }?.reportedState == "secondary")
        try await expectRows(3)
    }

    /// The machine loses its power with a cluster in use: everything comes back without help, with every row.
    private func aPowerCut(rows: Int) async throws {
        say("cutting the power")
        _ = try await virsh(["destroy", domain])
        _ = try await virsh(["start", domain])
        _ = try await project.waitUntilHealthy("a loss of power", upTo: .seconds(900))
        try await writeAndRead("INSERT INTO notes VALUES ('\(value)')", count: rows)
    }

    private func aClockThatJumpsAndAReboot() async throws {
        say("setting the machine's clock an hour ahead")
        try await project.host(["ssh", "--", "sudo", "date", "--set", "1 hour"])
        _ = try await project.waitUntilHealthy("a jump of the clock", upTo: .seconds(600))
        try await writeAndRead("INSERT INTO notes VALUES ('\(value)')", count: 4)
        // Which also sets the clock back again.
        say("restarting the machine")
        let reload = try await project.command("vagrant", ["reload", "--no-color"], directory: project.directory)
        #expect(reload.succeeded, "\(reload.lastLines())")
        _ = try await project.waitUntilHealthy("a reboot of the machine", upTo: .seconds(900))
        try await writeAndRead("INSERT INTO notes VALUES ('\(value)')", count: 5)
    }

    /// The machine is put to sleep by Vagrant and wakes with the clock of then: whoever asks meanwhile is told so.
    private func aSleep(rows: Int) async throws {
        say("suspending the machine")
        let suspend = try await project.command("vagrant", ["suspend", "--no-color"], directory: project.directory)
        #expect(suspend.succeeded, "\(suspend.lastLines())")
        let asleep = try await project.host(["status"], expecting: 69)
        #expect(asleep.standardError.contains("pgaf-host start"), "\(asleep.standardError)")
        say("waking it")
        try await project.host(["start", "--progress", "none"])
        try await writeAndRead("INSERT INTO notes VALUES ('\(value)')", count: rows)
    }

    /// The ports on this machine, as pgaf shows them.
    private func ports() async throws -> [Int] {
        let nodes = try await connections().nodes
        #expect(nodes.map(\.name) == ["pgnode1", "pgnode2", "pgnode3"])
        return nodes.compactMap { URLComponents(string: $0.uri)?.port }
    }

    private func monitorPort() async throws -> Int {
        try #require(URLComponents(string: try await connections().monitor.uri)?.port)
    }

    /// What `uri` prints.
    private struct Connections: Decodable {
        struct Node: Decodable {
            var name: String
            var uri: String
        }
        var nodes: [Node]
        var monitor: Node
    }

    private func connections() async throws -> Connections {
        let listed = try await project.host(["uri", "--json"]).standardOutput
        return try JSONDecoder().decode(Connections.self, from: Data(listed.utf8))
    }

    /// Runs SQL on whichever node is primary, then counts the rows on every node, all through the forwarded ports.
    private func writeAndRead(_ statement: String, count: Int) async throws {
        let ports = try await ports()
        let password = try #require(try project.passwords()["superuser"])
        let write = try await project.sql(statement, ports: ports, password: password, attributes: "read-write")
        #expect(write.succeeded, "\(write.standardError)")
        try await expectRows(count)
    }

    private func expectRows(_ count: Int) async throws {
        let password = try #require(try project.passwords()["superuser"])
        for port in try await ports() {
            _ = try await Wait(for: "the row through port \(port)", upTo: .seconds(120), every: .seconds(1), hint: "")
                .until {
                    let read = try await project.sql(
                        "SELECT count(*) FROM notes WHERE v = '\(value)'", ports: [port], password: password)
                    return read.trimmedOutput == "\(count)"
                        ? .found(()) : .notYet(read.standardOutput + read.standardError)
                }
        }
    }

    private func theEnd() async throws {
        say("destroying the machine")
        try await project.host(["destroy", "--yes"])
        let status = try await project.host(["status"], expecting: 69)
        #expect(status.standardError.contains("machine.not-made"))
        let domains = try await project.command("virsh", ["--connect", "qemu:///system", "list", "--all", "--name"])
        #expect(domains.succeeded && !domains.standardOutput.contains(Self.machine))
        #expect(!FileManager.default.fileExists(atPath: "\(project.directory)/Vagrantfile"))
        try FileManager.default.removeItem(atPath: project.directory)
    }
}
