/// PostgreSQL settings that pgaf or pg_auto_failover must decide, with the reason.
enum OwnedSettings {
    /// What is wrong with a setting; nil when a user may set it so.
    static func complaint(about name: String, _ value: String) -> String? {
        guard NameRules.isSettingName(name) else {
            return "\(name.shown) is no setting's name; those are of lower-case letters, digits, `_` and `.`"
        }
        if let reason = reason(for: name) { return "\(name) must not be set: \(reason); remove it" }
        guard value.utf8.count <= 4096, !value.unicodeScalars.contains(where: \.isUnsafeToShow) else {
            return "\(name) is \(value.shown), but must be one line without control characters, at most 4096 bytes"
        }
        return nil
    }

    private static func reason(for name: String) -> String? {
        if let reason = reasons[name] { return reason }
        if name == "ssl" || name.hasPrefix("ssl_") { return "certificates belong to pgaf" }
        if name.hasPrefix("pgautofailover.") { return "use the keys of failover instead" }
        if name.hasPrefix("recovery_target") { return "pg_auto_failover decides how a node recovers" }
        if name.hasPrefix("include") { return "pgaf writes every setting itself" }
        return nil
    }

    private static let reasons: [String: String] = {
        let groups: [(String, [String])] = [
            ("pgaf decides where PostgreSQL listens", ["listen_addresses", "port", "unix_socket_directories"]),
            ("use the keys of access instead", ["hba_file", "ident_file"]),
            ("pgaf places the files", ["data_directory", "config_file", "external_pid_file"]),
            (
                "pg_auto_failover decides who replicates from whom",
                [
                    "synchronous_standby_names", "primary_conninfo", "primary_slot_name", "restore_command",
                    "archive_cleanup_command", "recovery_end_command",
                ]
            ),
            (
                "with another value standbys could not follow or a crash would lose data",
                ["wal_level", "hot_standby", "wal_log_hints", "full_page_writes", "fsync"]
            ),
            ("passwords are kept as scram-sha-256", ["password_encryption"]),
        ]
        return Dictionary(uniqueKeysWithValues: groups.flatMap { reason, names in names.map { ($0, reason) } })
    }()
}
