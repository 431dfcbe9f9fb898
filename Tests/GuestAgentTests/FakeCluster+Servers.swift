import Shared

@testable import GuestAgent

/// What the programs in the containers know and do: pg_autoctl, and PostgreSQL behind psql.
extension FakeCluster {
    /// What a program in a container prints; any other than those two has nothing to say.
    ///
    /// - Parameter sql: what it reads from its standard input.
    func exec(_ words: [String], _ sql: String, _ memory: inout Memory) -> CommandResult {
        if words.contains(where: { $0.contains("pg_autoctl config set") }) {
            memory.partitionTimeouts[words[3]] = Int(words.last ?? "")
            return Self.ok()
        }
        if let tool = words.firstIndex(of: "pg_autoctl") { return autoctl(words, of: words[tool - 3], &memory) }
        guard let tool = words.firstIndex(of: "psql") else { return Self.ok() }
        let container = words[tool - 1]
        guard memory.containers[container]?.running == true else { return Self.no }
        if words.contains(where: { $0.contains("target_session_attrs") }) { return write(sql, &memory) }
        let isStarting = memory.silent.contains(container)
        if isStarting || (memory.refusals > 0 && container != monitor) {
            if !isStarting { memory.refusals -= 1 }
            return CommandResult(status: 2, standardError: "FATAL:  the database system is starting up")
        }
        // The first that knows the statement, in this order: parts of some stand in others.
        return rows(sql, memory) ?? roles(container, sql, &memory) ?? node(container, sql, &memory)
            ?? order(sql, &memory) ?? settings(container, sql, &memory) ?? facts(sql)
    }

    private func autoctl(_ words: [String], of node: String, _ memory: inout Memory) -> CommandResult {
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
        if words.contains("candidate-priority") { memory.priorities[node] = Int(words.last ?? "") }
        return Self.ok()
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

    /// The monitor's rows of the nodes; nil for any other statement, as below.
    private func rows(_ sql: String, _ memory: Memory) -> CommandResult? {
        guard sql.contains("json_agg(json_build_object('id'") else { return nil }
        let running = running(memory)
        let rows = running.enumerated().map { index, name in
            let isPrimary = name == memory.registered.first
            let role = running.count == 1 ? "single" : isPrimary ? memory.primaryState : "secondary"
            let state = memory.maintained.contains(name) ? "maintenance" : role
            return #"{"id":\#(index + 1),"name":"\#(name)","host":"\#(name)","port":5432,"reported":"\#(state)","#
                + #""assigned":"\#(state)","health":1,"lsn":"0/3000148","timeline":1,"#
                + #""priority":\#(memory.priorities[name] ?? 50),"quorum":true,"running":true,"reportTime":1763847110,"#
                + #""seen":"2025-11-22T21:31:50.250000","sinceAssigned":\#(memory.sinceAssigned)}"#
        }
        return Self.ok("[\(rows.joined(separator: ","))]")
    }

    /// Roles with their verifiers, the monitor's triggers, databases.
    private func roles(_ container: String, _ sql: String, _ memory: inout Memory) -> CommandResult? {
        let kind = container == monitor ? "monitor" : "node"
        if sql.contains("ALTER ROLE") {
            for line in sql.split(separator: "\n") where line.hasPrefix("ALTER ROLE") {
                let parts = line.split(separator: "\"")
                memory.verifiers["\(kind)/\(parts[1])"] = String(line.split(separator: "'")[1])
            }
            return Self.ok()
        }
        if sql.contains("rolname ||") {
            return Self.ok(
                memory.verifiers.filter { $0.key.hasPrefix("\(kind)/") }
                    .map { "\($0.key.dropFirst(kind.count + 1))|\($0.value)" }.joined(separator: "\n"))
        }
        if sql == MonitorGuard.installation {
            memory.hasGuard = true
            return Self.ok()
        }
        if sql == MonitorGuard.question { return Self.ok(memory.hasGuard ? MonitorGuard.expected : "") }
        if sql.contains("FROM pg_authid") { return Self.ok(memory.verifiers["monitor/autoctl_node"] ?? "") }
        if sql.contains("CREATE DATABASE") {
            memory.databases.insert("myappdb")
            return Self.ok()
        }
        if sql.contains("FROM pg_database") { return Self.ok(memory.databases.isEmpty ? "" : "1") }
        return nil
    }

    /// That a node goes, and what one says of its own role.
    private func node(_ container: String, _ sql: String, _ memory: inout Memory) -> CommandResult? {
        let primary = memory.registered.first
        if sql.contains("remove_node") {
            memory.registered.removeAll { sql.contains("'\($0)'") }
            return Self.ok("t")
        }
        if sql.contains("pg_stat_replication") {
            let standbys = running(memory).enumerated().filter {
                !memory.unconnected.contains($0.element) && !memory.silent.contains($0.element)
            }
            return Self.ok(standbys.map { "pgautofailover_standby_\($0.offset + 1)" }.joined(separator: "\n"))
        }
        if sql == RegistrationStep.isDisabled {
            return Self.ok(memory.halfRegistered.contains(container) ? "t" : "f")
        }
        if sql.contains("pg_autoctl.state") {
            // Whoever runs has registered once.
            return Self.ok(container == memory.writable ?? primary ? "f" : "t")
        }
        if sql.contains("pg_is_in_recovery") { return Self.ok(container == primary ? "f" : "t") }
        if sql.contains("UPDATE pgaf.verification") {
            return CommandResult(status: container == primary ? 0 : 3, standardError: "read-only transaction")
        }
        return nil
    }

    /// What the monitor is told to do with the nodes.
    private func order(_ sql: String, _ memory: inout Memory) -> CommandResult? {
        if sql.contains("perform_promotion") {
            let name = memory.registered.first { sql.contains("'\($0)'") }
            memory.registered.removeAll { $0 == name }
            memory.registered.insert(name ?? "", at: 0)
            return Self.ok("t")
        }
        if sql.contains("_maintenance(nodeid)"), let name = memory.registered.first(where: { sql.contains("'\($0)'") })
        {
            if sql.contains("stop_") {
                memory.maintained.remove(name)
            } else {
                memory.maintained.insert(name)
                if name == memory.registered.first { memory.registered.append(memory.registered.removeFirst()) }
            }
            return Self.ok("t")
        }
        if sql.contains("perform_failover"), !memory.registered.isEmpty {
            memory.registered.append(memory.registered.removeFirst())
            return Self.ok()
        }
        return nil
    }

    /// Settings, those of the formation among them, and when they came into force.
    private func settings(_ container: String, _ sql: String, _ memory: inout Memory) -> CommandResult? {
        if sql.contains("FROM pg_file_settings f") { return Self.ok(memory.wrongSettings) }
        if sql.contains("pg_reload_conf()") { memory.reloads += 1 }
        if sql.contains("set_formation_number_sync_standbys") {
            memory.syncStandbys = sql.contains("1)") ? 1 : 0
            return Self.ok("t")
        }
        if sql.contains("SELECT number_sync_standbys") {
            return Self.ok("\(memory.syncStandbys ?? (memory.registered.count > 2 ? 1 : 0))")
        }
        if sql.contains("s.pending_restart") {
            let settings = (memory.heldBack[container] ?? []).map {
                #"{"name":"\#($0[0])","now":"\#($0[1])","next":"\#($0[2])"}"#
            }
            return Self.ok("[\(settings.joined(separator: ","))]")
        }
        // Of all settings the fake knows one that needs a restart.
        if sql.contains("s.context = 'postmaster'") {
            return Self.ok(sql.contains("'max_connections'") ? #"[{"name":"max_connections","now":"100"}]"# : "[]")
        }
        if sql.contains("pg_postmaster_start_time") {
            return Self.ok("\(memory.restarts.count { $0 == container })")
        }
        if sql.contains("pg_stat_file") { return Self.ok(memory.lostConfigurations.contains(container) ? "t" : "f") }
        if sql.contains("pg_read_file") {
            return Self.ok("[timeout]\nnetwork_partition_timeout = \(memory.partitionTimeouts[container] ?? 20)\nx = 1")
        }
        if sql.contains("pg_conf_load_time()") { return Self.ok("\(memory.reloads)") }
        return nil
    }

    /// What is always the same, and nothing for all other statements.
    private func facts(_ sql: String) -> CommandResult {
        if sql.contains("clock_timestamp()") { return Self.ok("1763847109.5") }
        if sql.contains("pg_extension") || sql.contains("pgaf.verification WHERE run") { return Self.ok("1") }
        if sql.contains("synchronous_standby_names") { return Self.ok("ANY 1 (pgautofailover_standby_2)") }
        return Self.ok()
    }
}
