import Shared
import Synchronization
import TestSupport
import Testing

@testable import GuestAgent

@Suite struct RemakeOrderTests {
    private func obstacle(
        _ name: String, _ rows: [Monitor.Row], isServing: Bool = true, names: [String] = ["a", "b", "c"]
    ) -> String? {
        RemakeOrder.obstacle(name, rows, isServing: isServing, names: names)
    }

    private let healthy: [Monitor.Row] = [
        .sample("a", "primary"), .sample("b", "secondary"), .sample("c", "secondary"),
    ]

    @Test func anyNodeOfAHealthyFormationMayGo() {
        for name in ["a", "b", "c"] { #expect(obstacle(name, healthy) == nil) }
    }

    @Test func nobodyGoesWhileAnotherOneIsAway() {
        var rows = healthy
        rows[2] = .sample("c", "catchingup", "secondary")
        #expect(obstacle("b", rows) == "c is on its way from catchingup to secondary")
        #expect(obstacle("a", rows) != nil)
        rows[2] = .sample("c", "secondary", health: 0)
        #expect(obstacle("b", rows) == "c is not seen healthy by the monitor")
    }

    /// It serves clients in each of its states.
    @Test func aPrimaryThatTakesUpASettingDoesNotGo() {
        var rows = healthy
        rows[0] = .sample("a", "apply_settings")
        #expect(obstacle("a", rows) == "a is in the state apply_settings; there is no settled primary")
    }

    /// A monitor that was just made anew has looked at nobody: that is no reason to take all nodes for lost.
    @Test func aMonitorThatHasNotLookedYetIsWaitedFor() {
        let rows = ["a", "b", "c"].map { Monitor.Row.sample($0, $0 == "a" ? "primary" : "secondary", health: -1) }
        for name in ["a", "b", "c"] { #expect(obstacle(name, rows) != nil) }
    }

    @Test func aNodeThatServesNobodyGoesAtOnce() {
        var rows = healthy
        rows[1] = .sample("b", "secondary", health: 0)
        #expect(obstacle("b", rows, isServing: false) == nil)
        rows[1] = .sample("b", "catchingup", "catchingup", health: 0)
        #expect(obstacle("b", rows) == nil)
        #expect(obstacle("b", [healthy[0]]) == nil)
    }

    @Test func nodesThatAreStillToBeMadeAreNotWaitedFor() {
        #expect(obstacle("a", [.sample("a", "single")], names: ["a", "b"]) == nil)
        #expect(obstacle("b", Array(healthy.prefix(2))) == nil)
    }
}

@Suite struct HandoverTests {
    private let handover = Handover(topology: TestMachine.topology())

    @Test func onlyAReadySecondaryOfTheConfigurationTakesOver() {
        let primary = Monitor.Row.sample("pgnode1", "primary")
        var other = Monitor.Row.sample("pgnode2", "secondary")
        #expect(handover.isPossible(from: "pgnode1", [primary, other]))
        #expect(!handover.isPossible(from: "pgnode2", [primary, other]))
        #expect(!handover.isPossible(from: "pgnode1", [primary]))
        other.priority = 0
        #expect(!handover.isPossible(from: "pgnode1", [primary, other]))
        other.priority = 50
        other.health = 0
        #expect(!handover.isPossible(from: "pgnode1", [primary, other]))
        #expect(!handover.isPossible(from: "pgnode1", [primary, .sample("stranger", "secondary")]))
        #expect(!handover.isPossible(from: "pgnode1", [primary, .sample("pgnode2", "catchingup")]))
    }
}

/// Whole runs that make every container anew.
@Suite(.timeLimit(.minutes(2))) struct RollingRemakeTests {
    private let machine = TestMachine()
    private let cluster = FakeCluster()
    private let configuration: Configuration

    init() throws {
        configuration = TestMachine.configuration()
        cluster.install(on: machine)
        try machine.becomeDebian()
    }

    private func up(_ configuration: Configuration) async -> RunResult? {
        let request = Request(
            run: machine.events.run, configuration: configuration, secrets: TestMachine.secrets)
        _ = await UpRun(
            runner: machine.runner, store: machine.store, request: request, events: machine.events
        ).run()
        return machine.written.compactMap { if case .result(let result) = $0.body { result } else { nil } }.last
    }

    private var otherImage: Configuration {
        var wanted = configuration
        wanted.image.tag = "other"
        return wanted
    }

    /// What was done to the nodes' containers since, and handovers, in order.
    private func deeds(since before: Int) -> [String] {
        machine.runner.commands.dropFirst(before).compactMap { command in
            let words = command.arguments
            if command.input?.revealed.contains("perform_failover") == true { return "handover" }
            guard command.executable == "docker", let verb = words.first, ["stop", "run"].contains(verb) else {
                return nil
            }
            let name = verb == "run" ? words[3] : words[1]
            return name.hasPrefix("pgnode") ? "\(verb) \(name)" : nil
        }
    }

    @Test func oneNodeAfterAnotherThePrimaryLastAfterItHasHandedOver() async throws {
        #expect(await up(configuration)?.status == .ok)
        let (before, written) = (machine.runner.commands.count, machine.written.count)
        let result = await up(otherImage)
        #expect(result?.status == .ok, "\(String(describing: result?.error))")
        let deeds = deeds(since: before)
        let standbys = deeds.prefix(4)
        #expect(
            [
                ["stop pgnode2", "run pgnode2", "stop pgnode3", "run pgnode3"],
                ["stop pgnode3", "run pgnode3", "stop pgnode2", "run pgnode2"],
            ].contains(Array(standbys)), "\(deeds)")
        #expect(deeds.dropFirst(4) == ["handover", "stop pgnode1", "run pgnode1"])
        guard case .plan(let steps)? = machine.written.dropFirst(written).first(where: { $0.body.type == "plan" })?.body
        else { throw CancellationError() }
        let changes = Dictionary(uniqueKeysWithValues: steps.map { ($0.id, $0.changes) })
        let handover = "let another node become primary before pgnode1 is made anew"
        #expect(changes["node.pgnode1"]?.last == handover)
        #expect(changes["node.pgnode2"]?.contains(handover) == false)
        // Nodes that are there wait for nobody but their turn.
        #expect(steps.filter { $0.id.hasPrefix("node.") }.allSatisfy { $0.dependencies == [RegistrationStep.id] })
        #expect(await up(otherImage)?.changed == 0)
    }

    @Test func aStandbyThatDoesNotComeBackLeavesTheOthersAlone() async throws {
        #expect(await up(configuration)?.status == .ok)
        machine.runner.on("docker", "run", "--detach", "--name", "pgnode2", status: 125, error: "no")
        let before = machine.runner.commands.count
        let result = await up(otherImage)
        #expect(
            result?.status == .failed && result?.error?.code == .dockerFailed, "\(String(describing: result?.error))")
        #expect(!deeds(since: before).contains { $0.hasSuffix("pgnode1") || $0 == "handover" })
        let left = machine.written.compactMap { event -> PgafError? in
            if case .stepFailed("node.pgnode1", let error, _) = event.body { error } else { nil }
        }
        #expect(
            left.first?.code == .cancelled && left.first?.message.contains("pgnode2 did not take its place") == true)
    }

    @Test func aNodeAloneIsMadeAnewWithoutAHandover() async throws {
        var (single, other) = (configuration, otherImage)
        single.nodes = [configuration.nodes[0]]
        other.nodes = single.nodes
        #expect(await up(single)?.status == .ok)
        let before = machine.runner.commands.count
        #expect(await up(other)?.status == .ok)
        #expect(deeds(since: before) == ["stop pgnode1", "run pgnode1"])
    }

    /// A standby would not start with fewer connections than its primary has.
    @Test func whatBindsStandbysIsNotLoweredByTheRemake() async throws {
        var first = configuration
        first.postgres.settings["max_connections"] = "200"
        #expect(await up(first)?.status == .ok)
        var lower = otherImage
        lower.postgres.settings["max_connections"] = "100"
        let file = "/var/lib/pgaf/clusters/pgaf/nodes/pgnode2/etc/postgresql.conf"
        let seen = Mutex<[String]>([])
        let files = machine.files
        let cluster = cluster
        machine.runner.on("docker", "run", "--detach", "--name", "pgnode2") { command in
            let text = try files.read(file) ?? ""
            seen.withLock { $0.append(text) }
            return cluster.run(command)
        }
        #expect(await up(lower)?.status == .ok)
        #expect(seen.withLock { $0 }.map { $0.contains("max_connections = '200'") } == [true])
        #expect(try machine.files.read(file)?.contains("max_connections = '100'") == true)
    }

    @Test func nodesThatComeStillWaitForTheFirstOne() {
        let topology = TestMachine.topology(configuration)
        func dependencies(_ inService: Set<String>, present: Set<String> = []) -> [[String]] {
            ClusterSteps.all(topology, store: machine.store, inService: inService, present: present)
                .filter { $0.id.hasPrefix("node.") }.map(\.dependencies)
        }
        let registration = [RegistrationStep.id]
        #expect(dependencies([]) == [registration, ["node.pgnode1"], ["node.pgnode1"]])
        #expect(dependencies(["pgnode1"]) == [registration, registration, registration])
        #expect(dependencies(["pgnode2"]) == [registration, registration, ["node.pgnode1"]])
        // In a cluster that was stopped the first one may need another that was primary.
        #expect(
            dependencies([], present: ["pgnode1", "pgnode2"]) == [registration, registration, ["node.pgnode1"]])
    }
}
