/// Checks a configuration as a value, wherever it came from: each key by its row of the table, then what must fit
/// together. Pure; nothing is looked up.
public enum ConfigurationValidator {
    /// Everything that is wrong, in the order of the documentation; empty for a configuration that can be applied.
    public static func problems(in configuration: Configuration) -> [ConfigurationProblem] {
        ConfigurationKeys.all.flatMap { $0.problems(configuration, "") } + conflicts(in: configuration)
    }

    /// Throws all problems as one error, as a program does that was handed the configuration in a request.
    ///
    /// - Throws: `PgafError` with a `configuration.…` code, the first problem's.
    public static func validate(_ configuration: Configuration) throws {
        let problems = problems(in: configuration)
        if let error = error(problems.map(\.code), problems.map(\.message)) { throw error }
    }

    /// One error for all problems, a line each; nil for none.
    static func error(_ codes: [ErrorCode], _ lines: [String]) -> PgafError? {
        guard let code = codes.first else { return nil }
        var shown = Array(lines.prefix(50))
        if lines.count > shown.count { shown.append("… and \(lines.count - shown.count) more") }
        let what = lines.count == 1 ? "Correct it" : "Correct these \(lines.count) places"
        return PgafError(
            code, shown.joined(separator: "\n"),
            remedy: "\(what) and run the same command again; docs/configuration.md lists every key.")
    }

    /// What is allowed but should be known.
    public static func warnings(for configuration: Configuration) -> [String] {
        var warnings: [String] = []
        let access = configuration.access
        if access.clientAuth == .trust {
            warnings.append(
                "access.client_auth is trust: everybody from \(access.clientCIDR) comes in as \(access.clientUser), and into the"
                    + " monitor as autoctl_node, without a password.")
        }
        if access.internalAuth == .trust {
            warnings.append(
                "access.internal_auth is trust: every container in the cluster's network may replicate without a password."
            )
        }
        let nodes = configuration.nodes
        let placed = nodes.filter { $0.host != nil }.map(\.name)
        if !placed.isEmpty {
            warnings.append(
                "`host` of \(placed.joined(separator: ", ")) has no effect yet: one machine carries all nodes.")
        }
        if nodes.count == 1 {
            warnings.append("There is one node: nothing takes over when it fails.")
        } else if nodes.count(where: { $0.candidatePriority > 0 }) == 1 {
            warnings.append("One node alone has a candidate priority above 0: nothing takes over when it fails.")
        }
        if nodes.count > 1, nodes.count(where: \.replicationQuorum) < 2 {
            warnings.append(
                "Fewer than two nodes take part in the replication quorum: a commit waits for no standby, and a failover"
                    + " may lose the last ones.")
        }
        return warnings
    }
}
