import Shared

/// The client authentication of the cluster's nodes, as text of a file that `pg_hba.conf` includes before everything.
///
/// The image's `pg_hba.conf.sample` begins with the include, so the rules hold from a node's first second on and are
/// the same on every node, whatever its role. The last line refuses everybody else: what PostgreSQL or pg_autoctl
/// write after the include never decides.
public enum HBARules {
    /// Rules of a data node.
    public static func node(access: AccessSettings, subnet: IPv4Network, monitor: IPv4Address) -> String {
        let inside = access.internalAuth
        // The scripts' open mode takes clients without TLS as well; a password is only ever taken over TLS.
        let clientType = access.clientAuth == .trust ? "host" : "hostssl"
        // A name with a line end cannot be written into this file, and one with a slash before it is a regular expression,
        // in quotes too: it gets no rule, so that it lets nobody in.
        let clientRule = [clientType, "all", quoted(access.clientUser), access.clientCIDR, access.clientAuth.rawValue]
        let name = access.clientUser.unicodeScalars
        let client = name.first == "/" || name.contains { $0.value < 32 } ? [] : [clientRule]
        return text(
            [
                ["local", "all,replication", "all", "peer", "map=\(identityMap)"],
                ["hostssl", "all", "pgautofailover_monitor", "\(monitor)/32", inside.rawValue],
            ] + client + [
                noneOfUs(subnet),
                ["hostssl", "replication,all", "pgautofailover_replicator", subnet.description, inside.rawValue],
                // For a connection pooler in its own container.
                ["hostssl", "all", "postgres", subnet.description, AccessSettings.Method.scram.rawValue],
                ["host", "all,replication", "all", "all", "reject"],
            ])
    }

    /// Rules of the monitor: the nodes, and clients that look at it from outside.
    public static func monitor(access: AccessSettings, subnet: IPv4Network) -> String {
        let clientType = access.clientAuth == .trust ? "host" : "hostssl"
        return text([
            ["local", "all,replication", "all", "peer", "map=\(identityMap)"],
            [clientType, "pg_auto_failover", "autoctl_node", access.clientCIDR, access.clientAuth.rawValue],
            noneOfUs(subnet),
            ["hostssl", "pg_auto_failover", "autoctl_node", subnet.description, access.internalAuth.rawValue],
            ["host", "all,replication", "all", "all", "reject"],
        ])
    }

    /// Whoever comes through a published port by the machine's loopback arrives with the gateway's address, which lies in
    /// the subnet and is nobody of the cluster.
    private static func noneOfUs(_ subnet: IPv4Network) -> [String] {
        ["host", "all,replication", "all", "\(subnet.address(1))/32", "reject"]
    }

    /// Who the container's `postgres` user may be without a password: the roles that pg_autoctl itself uses.
    public static let identities: String = text(
        ["postgres", "autoctl_node", "pgautofailover_replicator", "pgautofailover_monitor"].map {
            [identityMap, "postgres", $0]
        })

    private static let identityMap = "pgaf"

    private static func quoted(_ name: String) -> String {
        "\"" + name.replacingScalar("\"", with: "\"\"") + "\""
    }

    private static func text(_ rows: [[String]]) -> String {
        "# Written by pgaf; change pgaf.yaml and run `up` again.\n"
            + rows.map { $0.joined(separator: "  ") + "\n" }.joined()
    }
}
