import Shared

/// PostgreSQL settings for several nodes that share one machine.
///
/// pg_autoctl sizes each node as if it were alone: a quarter of all memory for `shared_buffers` and 8 GB of kept WAL,
/// for every node, and 12 WAL senders, which fail beyond about ten standbys. Here the machine is
/// divided by the number of nodes. Only sizes that do not move from run to run are used (total memory, total disk), so
/// that a second `up` finds the same text.
public enum PostgresTuning {
    /// Settings of a data node, PostgreSQL's names and values; the user's own settings win.
    public static func node(facts: MachineFacts, nodes: Int, overrides: [String: String]) -> [String: String] {
        // Half a GiB stays for the system, and a quarter of a node's share for the monitor.
        // In steps, so that a kernel which counts a little otherwise restarts no server.
        let step = 64
        let memory = facts.memoryMiB / step * step
        let share = max(128, Int(Double(max(memory - 512, 256)) / (Double(nodes) + 0.25)))
        let diskShare = facts.diskMiB / max(1, nodes)
        let senders = max(12, 2 * nodes + 6)
        var settings = [
            "shared_buffers": "\(clamp(share / 4, 32, 8192))MB",
            "effective_cache_size": "\(clamp(share / 2, 64, 65536))MB",
            "work_mem": "\(clamp(share / 128, 4, 64))MB",
            "maintenance_work_mem": "\(clamp(share / 16, 16, 512))MB",
            "wal_keep_size": "\(clamp(diskShare / 40, 64, 1024))MB",
            "max_wal_size": "\(clamp(diskShare / 20, 256, 1024))MB",
            // A standby that stays away must not fill the disk of all the others.
            "max_slot_wal_keep_size": "\(clamp(diskShare / 4, 512, 16384))MB",
            "max_wal_senders": "\(senders)",
            "max_replication_slots": "\(senders)",
        ]
        settings.merge(overrides) { _, own in own }
        return settings
    }

    /// Memory that one container may use, in MiB: three quarters of the machine's, so that none of them takes everything.
    /// It does not depend on the number of nodes, since another limit means another container; and it goes in steps, so
    /// that a kernel which counts a little otherwise moves nothing.
    public static func memoryLimit(_ facts: MachineFacts) -> Int {
        let step = 256
        return max(512, facts.memoryMiB * 3 / 4 / step * step)
    }

    /// Settings of the monitor: a small database, and the failover settings.
    public static func monitor(_ timings: FailoverTimings) -> [String: String] {
        var settings = ["shared_buffers": "32MB", "wal_keep_size": "0", "max_wal_size": "128MB"]
        for (name, value) in timings.monitorSettings { settings[name] = "\(value)" }
        return settings
    }

    /// The settings as the text of a PostgreSQL configuration file, sorted, every value quoted.
    public static func text(_ settings: [String: String]) -> String {
        let lines = settings.sorted { $0.key < $1.key }.map { name, value in
            "\(name) = '\(quoted(value))'"
        }
        return (["# Written by pgaf; change pgaf.yaml and run `up` again."] + lines).joined(separator: "\n") + "\n"
    }

    /// PostgreSQL reads `\\` and `\n` in the quoted values of its files as C does: a lone backslash would vanish, and
    /// one at the end would take the closing quote with it, so that the server no longer starts.
    private static func quoted(_ value: String) -> String {
        value.replacingScalar("\\", with: "\\\\").replacingScalar("'", with: "''").replacingScalar("\n", with: "\\n")
    }

    private static func clamp(_ value: Int, _ low: Int, _ high: Int) -> Int { min(max(value, low), high) }
}
