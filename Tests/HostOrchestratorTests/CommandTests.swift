import ArgumentParser
import Shared
import TestSupport
import Testing

@testable import HostOrchestrator

/// What a command line means, and what its help says.
@Suite struct CommandTests {
    private func parse<Verb>(_ arguments: String..., as type: Verb.Type = Verb.self) throws -> Verb {
        try #require(try HostCommand.parseAsRoot(arguments) as? Verb)
    }

    @Test func upTakesItsFlags() throws {
        let verb: UpCommand = try parse(
            "up", "--nodes", "2", "--machine", "ssh", "--provider", "libvirt", "--set", "machine.ssh.host=h", "--set",
            "postgres.database=shop", "--fresh", "--yes", "--progress", "plain", "--config", "x.yaml")
        #expect(verb.shape.nodes == 2)
        #expect(verb.shape.machine == .ssh)
        #expect(verb.options.choice.settings == ["machine.ssh.host=h", "postgres.database=shop"])
        #expect(verb.options.choice.file == "x.yaml")
        #expect(verb.fresh && verb.yes)
        #expect(verb.progress.progress == .plain)
    }

    @Test func bundlesAreMadeAndTaken() throws {
        let create: BundleCreateCommand = try parse(
            "bundle", "create", "--machine", "ssh", "--output", "/x.tar", "--without-box")
        #expect(create.output == "/x.tar" && create.withoutBox && create.shape.machine == .ssh)
        let usual: BundleCreateCommand = try parse("bundle", "create")
        #expect(usual.output == "pgaf-bundle.tar" && !usual.withoutBox)
        let up: UpCommand = try parse("up", "--bundle", "/x.tar")
        #expect(up.bundle == "/x.tar")
    }

    @Test func planTakesTheFlagsOfUp() throws {
        let verb: PlanCommand = try parse(
            "plan", "--nodes", "2", "--machine", "local", "--set", "postgres.database=shop", "--json")
        let up: UpCommand = try parse("up", "--nodes", "2", "--machine", "local", "--set", "postgres.database=shop")
        #expect(verb.options.choice(verb.shape) == up.options.choice(up.shape))
        #expect(verb.json && verb.shape.nodes == 2)
    }

    @Test func theVerbsThatChangeRoles() throws {
        let to: SwitchoverCommand = try parse("switchover", "--to", "pgnode2", "--json")
        #expect(to.to == "pgnode2" && to.printsJSON && to.output.progress.progress == .auto)
        let crash: FailoverCommand = try parse("failover", "--progress", "plain")
        #expect(crash.node == nil && !crash.order && crash.output.progress.progress == .plain)
        let order: FailoverCommand = try parse("failover", "--node", "pgnode1", "--order")
        #expect(order.node == "pgnode1" && order.order)
        let enable: MaintenanceEnableCommand = try parse("maintenance", "enable", "pgnode2", "--allow-failover")
        #expect(enable.node == "pgnode2" && enable.allowFailover)
        let disable: MaintenanceDisableCommand = try parse("maintenance", "disable", "pgnode2", "--json")
        #expect(disable.node == "pgnode2" && disable.printsJSON)
        let watch: WatchCommand = try parse("watch", "--interval", "0.5", "--json")
        #expect(watch.interval == 0.5 && watch.json)
    }

    @Test func whoReadsLinesOfJSONGetsTheFailureAsOne() throws {
        let error = PgafError(.runNotFound, "There was no run.", remedy: "Begin one.")
        for (verb, isLine) in [("events", true), ("logs", true), ("watch", true), ("status", false), ("plan", false)] {
            let command = try #require(try HostCommand.parseAsRoot([verb, "--json"]) as? any JSONPrinting)
            let text = try command.failureText(error)
            #expect(command.printsJSON && text.contains("\n") != isLine && PgafError(toldBy: text) == error, "\(verb)")
        }
    }

    @Test func whatFollowsTheTerminatorIsPassedOn() throws {
        let psql: PsqlCommand = try parse("psql", "--node", "pgnode2", "--", "-c", "--help")
        #expect(psql.arguments == ["-c", "--help"])
        let ssh: SSHCommand = try parse("ssh", "--", "docker", "ps", "-a")
        #expect(ssh.command == ["docker", "ps", "-a"])
    }

    @Test(arguments: [
        ["up", "--machine", "cloud"], ["up", "--nodes", "many"], ["logs", "--tail", "-1"], ["psql", "-c", "x"],
        ["unknown"], ["maintenance", "enable"], ["switchover", "pgnode2"], ["watch", "--interval", "0"],
        ["failover", "--json", "--progress", "json"],
    ])
    func wrongUsageEndsWith64(_ arguments: [String]) {
        do {
            _ = try HostCommand.parseAsRoot(arguments)
            Issue.record("\(arguments) was accepted")
        } catch {
            #expect(HostCommand.exitCode(for: error).rawValue == 64)
        }
    }

    @Test func helpNamesEveryVerbAndTheDefaults() {
        let help = HostCommand.helpMessage(columns: 100)
        for verb in [
            "switchover", "failover", "maintenance", "watch", "up", "plan", "status", "uri", "psql", "logs", "ssh",
            "destroy", "init", "box", "bundle",
            "version",
        ] {
            #expect(help.contains("\n  \(verb) "), "\(verb) is missing")
        }
        let up = HostCommand.helpMessage(for: UpCommand.self, columns: 100)
        for text in ["(default: 3)", "(default: vagrant)", "(default: auto)", "PGAF_CONFIG", "pgaf.yaml", "--fresh"] {
            #expect(up.contains(text), "\(text) is missing")
        }
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func completionIsThere(_ shell: String) throws {
        let script = HostCommand.completionScript(for: try #require(CompletionShell(rawValue: shell)))
        #expect(script.contains("show-password"))
    }

    @Test func flagsBecomeOverridesAndSetIsStrongest() throws {
        let choice = ConfigurationChoice(
            settings: ["machine.kind=ssh", "machine.ssh.host=h"], nodes: 2, machine: "local", provider: "libvirt")
        let loaded = try choice.load(in: ProjectDirectory(path: "/nonexistent"), environment: [:])
        #expect(loaded.configuration.nodes.count == 2)
        #expect(loaded.configuration.machine.kind == .ssh)
        #expect(loaded.configuration.machine.vagrant.provider == .libvirt)
    }

    @Test func theFileIsTheNamedOneElsePgafYAML() throws {
        let scratch = ScratchDirectory()
        func database(_ choice: ConfigurationChoice, _ environment: [String: String] = [:]) throws -> String {
            try choice.load(in: scratch.project, environment: environment).configuration.postgres.database
        }
        #expect(try database(ConfigurationChoice()) == "myappdb")
        try MachineFiles().write("postgres: {database: one}\n", to: "\(scratch.path)/pgaf.yaml", mode: 0o644)
        try MachineFiles().write("postgres: {database: two}\n", to: "\(scratch.path)/other.yaml", mode: 0o644)
        #expect(try database(ConfigurationChoice()) == "one")
        #expect(try database(ConfigurationChoice(file: "other.yaml")) == "two")
        #expect(try database(ConfigurationChoice(), ["PGAF_CONFIG": "other.yaml"]) == "two")
        #expect(throws: PgafError.self) { try database(ConfigurationChoice(file: "missing.yaml")) }
    }

    /// Who typed `up --machine local` types `up` the next time, or `up --nodes 4`.
    @Test func withoutAFileTheLastUpIsTheGround() throws {
        let scratch = ScratchDirectory()
        func load(_ choice: ConfigurationChoice) throws -> Configuration {
            try choice.load(in: scratch.project, environment: [:]).configuration
        }
        let first = try load(ConfigurationChoice(settings: ["postgres.database=shop"], nodes: 2, machine: "local"))
        try scratch.project.prepare()
        try ClusterMemory(first).save(in: scratch.project)
        #expect(try load(ConfigurationChoice()) == first)
        var wider = first
        wider.nodes = NodeSettings.defaults(count: 4)
        #expect(try load(ConfigurationChoice(nodes: 4)) == wider)
        try MachineFiles().write("postgres: {database: one}\n", to: scratch.project.configurationFile, mode: 0o644)
        #expect(try load(ConfigurationChoice()).machine.kind == .vagrant)
        try ClusterMemory.forget(in: scratch.project)
        try MachineFiles().remove(scratch.project.configurationFile)
        #expect(try load(ConfigurationChoice()) == Configuration())
    }

    @Test func initWritesAFileThatMeansTheDefaultsAndNeverOverwrites() throws {
        let host = TestHost(ScriptedMachine())
        try Initialization.run(file: "pgaf.yaml", in: host.context())
        let path = host.scratch.project.configurationFile
        let text = host.scratch.text(path)
        #expect(text.contains("# "))
        let loaded = try ConfigurationChoice().load(in: host.scratch.project, environment: [:])
        #expect(loaded.configuration == Configuration())
        let error = #expect(throws: PgafError.self) { try Initialization.run(file: "pgaf.yaml", in: host.context()) }
        #expect(error?.code == .fileFailed)
        #expect(host.scratch.text(path) == text)
    }

    /// Otherwise the next `up` would set back all that flags had made.
    @Test func initBesideAClusterWritesItsValues() throws {
        let host = TestHost(ScriptedMachine())
        var made = Configuration()
        made.machine.kind = .ssh
        made.machine.ssh.host = "db.example.org"
        made.nodes = NodeSettings.defaults(count: 2)
        made.nodes[1].candidatePriority = 40
        made.postgres.settings = ["work_mem": "8MB"]
        made.passwords.superuser = .environment("PW")
        try host.scratch.project.prepare()
        try ClusterMemory(made).save(in: host.scratch.project)
        try Initialization.run(file: "pgaf.yaml", in: host.context())
        #expect(host.errors.text.contains("with the values of the cluster of this directory"))
        let loaded = try ConfigurationChoice().load(in: host.scratch.project, environment: [:])
        #expect(loaded.configuration == made)
    }

    @Test func aConfigurationIsRememberedWhole() throws {
        let scratch = ScratchDirectory()
        try scratch.project.prepare()
        var configuration = Configuration()
        configuration.nodes = NodeSettings.defaults(count: 2)
        configuration.passwords.superuser = .environment("PW")
        configuration.postgres.settings = ["work_mem": "8MB"]
        try ClusterMemory(configuration).save(in: scratch.project)
        #expect(try ClusterMemory.load(scratch.project)?.configuration == configuration)
        try MachineFiles().write("{}", to: scratch.project.memory)
        #expect(throws: PgafError.self) { try ClusterMemory.load(scratch.project) }
    }

    /// It names commands that are run here.
    @Test func aConfigurationThatEverybodyMayWriteIsRefused() throws {
        let scratch = ScratchDirectory()
        try MachineFiles().write("cluster: c\n", to: scratch.project.configurationFile, mode: 0o666)
        let choice = ConfigurationChoice()
        let error = #expect(throws: PgafError.self) { try choice.load(in: scratch.project, environment: [:]) }
        #expect(error?.code == .fileUnsafe && error?.remedy.contains("chmod go-w") == true)
        try MachineFiles().write("cluster: c\n", to: scratch.project.configurationFile, mode: 0o644)
        #expect(try choice.load(in: scratch.project, environment: [:]).configuration.cluster == "c")
    }
}
