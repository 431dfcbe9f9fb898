import Foundation
import Shared
import Synchronization

@testable import GuestAgent

/// Answers as Docker, PostgreSQL and pg_auto_failover would, from a small memory of what was made.
final class FakeCluster: Sendable {
    struct Memory: Sendable {
        var engine = true
        var images: [String: [String: String]] = [:]
        var networks: [String: [String: String]] = ["bridge": [:]]
        var volumes: [String: [String: String]] = [:]
        var containers: [String: ContainerStatus] = [:]
        /// Nodes in the order of their registration.
        var registered: [String] = []
        /// Those of them whose pg_autoctl has its monitor out of use.
        var halfRegistered: Set<String> = []
        /// Verifiers by `CONTAINER-KIND/ROLE`; replication carries those of the nodes to all of them.
        var verifiers: [String: String] = [:]
        var databases: Set<String> = []
        var partitionTimeouts: [String: Int] = [:]
        /// Candidate priorities other than 50.
        var priorities: [String: Int] = [:]
        /// Whether the monitor has pgaf's triggers.
        var hasGuard = false
        /// What was set, instead of what the monitor chooses by itself.
        var syncStandbys: Int?
        /// How often settings were reloaded, on any node.
        var reloads = 0
        /// The node that takes writes, where that is not the first that registered.
        var writable: String?
        /// Settings that wait for a restart, by node: name, value in force, value in the file.
        var heldBack: [String: [[String]]] = [:]
        /// Nodes whose PostgreSQL was restarted, in order.
        var restarts: [String] = []
        /// pg_autoctl restarts a server and reports an error, as it does where it looks before there is a new process.
        var restartsAreDenied = false
        /// What PostgreSQL says of settings that it cannot take.
        var wrongSettings = ""
        /// Standbys to which the primary sends nothing.
        var unconnected: Set<String> = []
        /// Nodes in maintenance.
        var maintained: Set<String> = []
        /// Writes of the client through all nodes that fail from now on.
        var refusedWrites = 0
        /// How many more connections the nodes refuse, as a server that still starts does.
        var refusals = 0
        /// Nodes that take no connections, whatever their containers do; the monitor has their rows as they were.
        var silent: Set<String> = []
        /// What a look into a node's volume prints (`NodeRemains`); nothing can be seen of others.
        var remains: [String: String] = [:]
        /// Seconds since each node was assigned its state.
        var sinceAssigned = 1
    }

    private let memory = Mutex(Memory())
    private let monitor: String
    private let subnet: String

    init(_ topology: ClusterTopology = TestMachine.topology()) {
        monitor = topology.configuration.monitor.name
        subnet = topology.subnet.description
    }

    func change<Value: Sendable>(_ body: @Sendable (inout Memory) -> Value) -> Value {
        memory.withLock { body(&$0) }
    }

    /// A cluster on a machine, as after an `up`.
    static func filled(_ topology: ClusterTopology, on machine: TestMachine) -> FakeCluster {
        let cluster = FakeCluster(topology)
        cluster.install(on: machine)
        cluster.fill(topology)
        return cluster
    }

    /// Has every container run and every node registered, as after an `up`.
    func fill(_ topology: ClusterTopology) {
        change {
            for name in topology.containerNames {
                let role = name == topology.configuration.monitor.name ? "monitor" : "node"
                $0.containers[name] = ContainerStatus(
                    name: name, status: "running", running: true,
                    labels: [Label.cluster: topology.configuration.cluster, Label.role: role])
            }
            $0.registered = topology.configuration.nodes.map(\.name)
        }
    }

    /// Puts the cluster's programs on a machine.
    func install(on machine: TestMachine) {
        let files = machine.files
        machine.runner.on("docker") { command in
            if let script = command.arguments.firstIndex(of: CertificateRequest.script) {
                try Self.sign(Array(command.arguments[(script + 5)...]), TestMachine.topology(), files)
            }
            return self.change { self.docker(command, &$0) }
        }
        machine.runner.on("psql", prints: "1\n")
        machine.runner.on("apt-get")
        machine.runner.on(
            "apt-get", "indextargets", prints: "Debian|main|trixie|http://example.org|http://example.org/debian/\n")
        machine.runner.on("unshare").on("id", status: 1).on("df", prints: "Avail\n40000\n")
        machine.runner.on("uname", prints: "6.12.1-amd64 x86_64\n")
        machine.runner.on("env", "--unset", "PGAF_RUN", "service", "docker", "start") { _ in
            self.change {
                $0.engine = true
                return CommandResult()
            }
        }
    }

    /// What openssl would do in its container.
    private static func sign(_ names: [String], _ topology: ClusterTopology, _ files: MachineFiles) throws {
        for name in ["authority"] + names {
            let path = "\(topology.certificateDirectory)/\(name).pem"
            if name == "authority", files.exists(path) { continue }
            try files.write("PRIVATE KEY of \(name)\n" + SampleCertificate.long, to: path)
        }
    }

    private static func ok(_ text: String = "") -> CommandResult { CommandResult(standardOutput: text + "\n") }
    private static let no = CommandResult(status: 1, standardError: "Error: no such object")

    private func labels(_ arguments: [String]) -> [String: String] {
        var labels: [String: String] = [:]
        for (flag, value) in zip(arguments, arguments.dropFirst()) where flag == "--label" {
            let parts = value.split(separator: "=", maxSplits: 1).map(String.init)
            labels[parts[0]] = parts[1]
        }
        return labels
    }

    private func json(_ labels: [String: String]) -> String {
        (try? JSONEncoder().encode(labels)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    private func image(_ reference: String, _ labels: [String: String]) -> String {
        #"{"Id":"sha256:1","RepoTags":["\#(reference)"],"Config":{"Labels":\#(json(labels))}}"#
    }

    /// What `docker` would do, for a test that looks on.
    func run(_ command: Command) -> CommandResult { change { self.docker(command, &$0) } }

    private func docker(_ command: Command, _ memory: inout Memory) -> CommandResult {
        let words = command.arguments
        guard memory.engine else { return Self.no }
        switch (words[0], words.dropFirst().first ?? "") {
        case ("version", _), ("info", _): return Self.ok("27.5.1")
        case ("container", "inspect"):
            let found = words.dropFirst(2).compactMap { memory.containers[$0] }.map {
                #"{"Name":"/\#($0.name)","State":{"Status":"\#($0.status)","Running":\#($0.running),"ExitCode":0},"#
                    + #""HostConfig":{"RestartPolicy":{"Name":"\#($0.restartPolicy ?? "unless-stopped")"}},"#
                    + #""Config":{"Labels":\#(json($0.labels))}}"#
            }
            return CommandResult(
                status: found.count == words.count - 2 ? 0 : 1,
                standardOutput: "[\(found.joined(separator: ","))]\n")
        case ("image", "inspect"):
            let names = words.dropFirst(2).filter { memory.images[$0] != nil }
            if words[2] == "--format" { return names.isEmpty ? Self.no : Self.ok("sha256:1") }
            return CommandResult(
                status: names.count == words.count - 2 ? 0 : 1,
                standardOutput: "[\(names.map { image($0, memory.images[$0] ?? [:]) }.joined(separator: ","))]\n")
        case ("network", "inspect"):
            guard let labels = memory.networks[words.last ?? ""] else { return Self.no }
            if words.contains(where: { $0.contains(".Containers") }) { return Self.ok() }
            return Self.ok(words.count > 3 ? subnet : #"[{"Labels":\#(json(labels))}]"#)
        case ("volume", "inspect"):
            let found = words.dropFirst(2).compactMap { name in
                memory.volumes[name].map { #"{"Name":"\#(name)","Labels":\#(json($0))}"# }
            }
            return CommandResult(
                status: found.count == words.count - 2 ? 0 : 1,
                standardOutput: "[\(found.joined(separator: ","))]\n")
        case ("volume", "ls"):
            let wanted = words.filter { $0.hasPrefix("label=") }.map { $0.dropFirst(6) }
            let found = memory.volumes.filter { volume in
                wanted.allSatisfy { label in volume.value.contains { "\($0.key)=\($0.value)" == label } }
            }
            return Self.ok(found.keys.sorted().joined(separator: "\n"))
        case ("volume", "rm"): memory.volumes[words.last ?? ""] = nil
        case ("ps", _) where words.contains { $0.hasPrefix("volume=") }:
            // Every container of the fake has the volume of its usual name.
            let volume = words.first { $0.hasPrefix("volume=") }?.dropFirst(7) ?? ""
            return Self.ok(memory.containers.keys.filter { "\($0)_data" == volume }.joined(separator: "\n"))
        case ("ps", _):
            let wanted = words.filter { $0.hasPrefix("label=") }.map { $0.dropFirst(6) }
            let found = memory.containers.values.filter { container in
                wanted.allSatisfy { container.labels.map { "\($0.key)=\($0.value)" }.contains(String($0)) }
            }
            return Self.ok(found.map(\.name).sorted().joined(separator: "\n"))
        case ("network", "create"): memory.networks[words.last ?? ""] = labels(words)
        case ("volume", "create"): memory.volumes[words.last ?? ""] = labels(words)
        case ("import", _):
            let hash = words.first { $0.hasPrefix("LABEL pgaf.hash=") }?.dropFirst(16)
            memory.images[words.last ?? ""] = [Label.hash: String(hash ?? "")]
        case ("load", _):
            let files = TestMachine.topology().imageFiles()
            memory.images = [
                BaseSystem.image: [Label.hash: BaseImageStep.hash],
                "pgaf/pg_auto_failover:latest": [Label.hash: files.hash(baseIdentifier: "sha256:1")],
            ]
        case ("build", _):
            memory.images[words[words.count - 2]] = labels(words)
            return Self.ok("Step 1/2 : FROM x\nStep 2/2 : CMD y")
        case ("run", "--rm"):
            let node = words.firstIndex(of: "--volumes-from").map { words[$0 + 1] } ?? ""
            if words.last?.contains("rm -rf") == true { memory.remains[node] = nil }
            return Self.ok(memory.remains[node] ?? "")
        case ("run", _):
            let name = words[3]
            memory.containers[name] = ContainerStatus(
                name: name, status: "running", running: true, labels: labels(words))
            if name != monitor, !memory.registered.contains(name) { memory.registered.append(name) }
        case ("update", _): break
        case ("start", _):
            memory.containers[words[1]]?.status = "running"
            memory.containers[words[1]]?.running = true
        case ("stop", _): memory.containers[words[1]]?.running = false
        case ("kill", _):
            let name = words.last ?? ""
            memory.containers[name]?.status = "exited"
            memory.containers[name]?.running = false
            // Another node takes over from a primary.
            if name == memory.registered.first { memory.registered.append(memory.registered.removeFirst()) }
        case ("rm", _): memory.containers[words.last ?? ""] = nil
        case ("exec", _): return exec(words, command.input?.revealed ?? "", &memory)
        default: return CommandResult(status: 64, standardError: "unknown: \(command.display)")
        }
        return Self.ok()
    }

    private func exec(_ words: [String], _ sql: String, _ memory: inout Memory) -> CommandResult {
        if let tool = words.firstIndex(of: "pg_autoctl") {
            let node = words[tool - 3]
            if words.contains("restart") {
                memory.restarts.append(node)
                memory.heldBack[node] = nil
                if memory.restartsAreDenied {
                    let words = "FATAL Failed to find pid for service name \"postgres\""
                    return CommandResult(status: 12, standardError: words)
                }
            }
            if words.contains("enable") {
                memory.halfRegistered.remove(node)
                if !memory.registered.contains(node) { memory.registered.append(node) }
            }
            if words.contains("config") { memory.partitionTimeouts[node] = Int(words.last ?? "") }
            if words.contains("candidate-priority") { memory.priorities[node] = Int(words.last ?? "") }
            return Self.ok()
        }
        guard let tool = words.firstIndex(of: "psql") else { return Self.ok() }
        guard memory.containers[words[tool - 1]]?.running == true else { return Self.no }
        if words.contains(where: { $0.contains("target_session_attrs") }) { return write(sql, &memory) }
        let isStarting = memory.silent.contains(words[tool - 1])
        if isStarting || (memory.refusals > 0 && words[tool - 1] != monitor) {
            if !isStarting { memory.refusals -= 1 }
            return CommandResult(status: 2, standardError: "FATAL:  the database system is starting up")
        }
        return answer(words[tool - 1], sql, &memory)
    }
}

extension FakeCluster {
    /// What psql prints for pgaf's statements.
    fileprivate func answer(_ container: String, _ sql: String, _ memory: inout Memory) -> CommandResult {
        let kind = container == monitor ? "monitor" : "node"
        let primary = memory.registered.first
        func says(_ text: String) -> CommandResult { CommandResult(standardOutput: text + "\n") }
        if sql.contains("json_agg(json_build_object('id'") { return says(rows(memory)) }
        if sql.contains("ALTER ROLE") {
            for line in sql.split(separator: "\n") where line.hasPrefix("ALTER ROLE") {
                let parts = line.split(separator: "\"")
                memory.verifiers["\(kind)/\(parts[1])"] = String(line.split(separator: "'")[1])
            }
            return says("")
        }
        if sql.contains("rolname ||") {
            return says(
                memory.verifiers.filter { $0.key.hasPrefix("\(kind)/") }
                    .map { "\($0.key.dropFirst(kind.count + 1))|\($0.value)" }.joined(separator: "\n"))
        }
        if sql == MonitorGuard.installation {
            memory.hasGuard = true
            return says("")
        }
        if sql == MonitorGuard.question { return says(memory.hasGuard ? MonitorGuard.expected : "") }
        if sql.contains("FROM pg_authid") { return says(memory.verifiers["monitor/autoctl_node"] ?? "") }
        if sql.contains("CREATE DATABASE") {
            memory.databases.insert("myappdb")
            return says("")
        }
        if sql.contains("FROM pg_database") { return says(memory.databases.isEmpty ? "" : "1") }
        if sql.contains("remove_node") {
            memory.registered.removeAll { sql.contains("'\($0)'") }
            return says("t")
        }
        if sql.contains("pg_stat_replication") {
            let standbys = running(memory).enumerated().filter {
                !memory.unconnected.contains($0.element) && !memory.silent.contains($0.element)
            }
            return says(standbys.map { "pgautofailover_standby_\($0.offset + 1)" }.joined(separator: "\n"))
        }
        if sql == RegistrationStep.isDisabled { return says(memory.halfRegistered.contains(container) ? "t" : "f") }
        if sql.contains("pg_autoctl.state") {
            // Whoever runs has registered once.
            return says(container == memory.writable ?? primary ? "f" : "t")
        }
        if sql.contains("pg_is_in_recovery") { return says(container == primary ? "f" : "t") }
        if sql.contains("UPDATE pgaf.verification") {
            return CommandResult(status: container == primary ? 0 : 3, standardError: "read-only transaction")
        }
        if sql.contains("perform_promotion") {
            let name = memory.registered.first { sql.contains("'\($0)'") }
            memory.registered.removeAll { $0 == name }
            memory.registered.insert(name ?? "", at: 0)
            return says("t")
        }
        if sql.contains("_maintenance(nodeid)"), let name = memory.registered.first(where: { sql.contains("'\($0)'") })
        {
            if sql.contains("stop_") {
                memory.maintained.remove(name)
            } else {
                memory.maintained.insert(name)
                if name == memory.registered.first { memory.registered.append(memory.registered.removeFirst()) }
            }
            return says("t")
        }
        if sql.contains("perform_failover"), !memory.registered.isEmpty {
            memory.registered.append(memory.registered.removeFirst())
            return says("")
        }
        if sql.contains("FROM pg_file_settings f") { return says(memory.wrongSettings) }
        if sql.contains("pg_reload_conf()") { memory.reloads += 1 }
        if sql.contains("set_formation_number_sync_standbys") {
            memory.syncStandbys = sql.contains("1)") ? 1 : 0
            return says("t")
        }
        if sql.contains("SELECT number_sync_standbys") {
            return says("\(memory.syncStandbys ?? (memory.registered.count > 2 ? 1 : 0))")
        }
        if sql.contains("s.pending_restart") {
            let settings = (memory.heldBack[container] ?? []).map {
                #"{"name":"\#($0[0])","now":"\#($0[1])","next":"\#($0[2])"}"#
            }
            return says("[\(settings.joined(separator: ","))]")
        }
        // Of all settings the fake knows one that needs a restart.
        if sql.contains("s.context = 'postmaster'") {
            return says(sql.contains("'max_connections'") ? #"[{"name":"max_connections","now":"100"}]"# : "[]")
        }
        if sql.contains("pg_postmaster_start_time") { return says("\(memory.restarts.count { $0 == container })") }
        if sql.contains("pg_read_file") {
            return says("[timeout]\nnetwork_partition_timeout = \(memory.partitionTimeouts[container] ?? 20)\nx = 1")
        }
        if sql.contains("pg_conf_load_time()") { return says("\(memory.reloads)") }
        if sql.contains("clock_timestamp()") { return says("1763847109.5") }
        if sql.contains("pg_extension") || sql.contains("pgaf.verification WHERE run") { return says("1") }
        if sql.contains("synchronous_standby_names") { return says("ANY 1 (pgautofailover_standby_2)") }
        return says("")
    }

    /// What a client gets that writes through whichever node takes it.
    private func write(_ sql: String, _ memory: inout Memory) -> CommandResult {
        guard memory.refusedWrites == 0 else {
            memory.refusedWrites -= 1
            return CommandResult(status: 2, standardError: "connection refused")
        }
        return CommandResult(status: sql.contains("INSERT INTO pgaf.verification") ? 0 : 3)
    }

    private func running(_ memory: Memory) -> [String] {
        memory.registered.filter { memory.containers[$0]?.running == true || memory.silent.contains($0) }
    }

    private func rows(_ memory: Memory) -> String {
        let running = running(memory)
        let rows = running.enumerated().map { index, name in
            let role = running.count == 1 ? "single" : name == memory.registered.first ? "primary" : "secondary"
            let state = memory.maintained.contains(name) ? "maintenance" : role
            return #"{"id":\#(index + 1),"name":"\#(name)","host":"\#(name)","port":5432,"reported":"\#(state)","#
                + #""assigned":"\#(state)","health":1,"lsn":"0/3000148","timeline":1,"#
                + #""priority":\#(memory.priorities[name] ?? 50),"quorum":true,"running":true,"reportTime":1763847110,"#
                + #""seen":"2025-11-22T21:31:50.250000","sinceAssigned":\#(memory.sinceAssigned)}"#
        }
        return "[\(rows.joined(separator: ","))]"
    }
}
