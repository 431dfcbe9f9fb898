/// Keys of PostgreSQL and of access to it.
extension ConfigurationKeys {
    static let postgresql: [ConfigurationKey<Configuration>] = [
        .init(
            "postgres.version", \.postgres.version, ValueKind.integer(16...17).optional(),
            "Major version; `auto` is 16 from pgdg and 17 from debian."),
        .init(
            "postgres.database", \.postgres.database, .text(Words.sqlName, complaint: complaint(aboutDatabase:)),
            "Database that is made for the application."),
        .init(
            "postgres.packages", \.postgres.packages,
            .list(of: "a Debian package name, in which %v stands for the major version") {
                NameRules.isPackageName($0.replacingBytes(of: "%v", with: "17"))
            }, "Extra packages in the image, beside the server and pg_auto_failover."),
        settings,
    ]

    static let access: [ConfigurationKey<Configuration>] = [
        .init(
            "access.client_cidr", \.access.clientCIDR,
            .text("an IPv4 or IPv6 range such as 192.168.56.0/24", complaint: NetworkRules.complaint(aboutRange:)),
            "Range from which clients may come."),
        .init(
            "access.client_user", \.access.clientUser, .text(Words.sqlName, complaint: complaint(aboutUser:)),
            "PostgreSQL user of the clients."),
        .init(
            "access.client_auth", \.access.clientAuth, .choice,
            "How clients prove who they are; `trust` lets everybody in that range in without a password."),
        .init(
            "access.internal_auth", \.access.internalAuth, .choice,
            "How the nodes prove to each other and to the monitor who they are."),
        .init(
            "access.publish_address", \.access.publishAddress,
            ValueKind.text("an IPv4 or IPv6 address", where: NetworkRules.isAddress).optional(),
            "Address on which ports are published; `auto` is 127.0.0.1 on local machines and every address elsewhere."),
        .init(
            "access.server_names", \.access.serverNames,
            .list(of: "a host name or an address") { NameRules.isHostName($0) || NetworkRules.isAddress($0) },
            "Further names and addresses by which clients come; they become part of the servers' certificates."),
        .init(
            "access.certificates", \.access.certificates,
            ValueKind.text(Words.path, where: NameRules.isPlainLine).optional("generate"),
            "Directory with your own `ca.crt` and, for the monitor and each node, `NAME.crt` and `NAME.key`; `generate` makes"
                + " an authority and certificates for this cluster."),
        .init("passwords.superuser", \.passwords.superuser, .password, "Password of `postgres` on the data nodes."),
        .init("passwords.monitor", \.passwords.monitor, .password, "Password of `autoctl_node` on the monitor."),
        .init("passwords.replication", \.passwords.replication, .password, "Password of the replication user."),
        .init(
            "passwords.client", \.passwords.client, .password,
            "Password of access.client_user when that is not `postgres`."),
    ]

    private static func complaint(aboutDatabase name: String) -> String? {
        if ["postgres", "template0", "template1"].contains(name) {
            return "must be a database of your own: PostgreSQL makes and needs that one itself"
        }
        if ["all", "sameuser", "samerole", "samegroup", "replication"].contains(name) {
            return "must be another name: this one has a meaning of its own in pg_hba.conf"
        }
        return NameRules.isSQLName(name) ? nil : "must be \(Words.sqlName)"
    }

    private static func complaint(aboutUser name: String) -> String? {
        if ["autoctl_node", "autoctl", "pgautofailover_replicator", "pgautofailover_monitor"].contains(name) {
            return "must be another name: pg_auto_failover uses this one itself"
        }
        if ["all", "public", "none", "current_user", "session_user", "user"].contains(name.lowercased())
            || name.lowercased().hasPrefix("pg_")
        {
            return "must be another name: PostgreSQL reserves this one"
        }
        return NameRules.isSQLName(name) ? nil : "must be \(Words.sqlName)"
    }
}
