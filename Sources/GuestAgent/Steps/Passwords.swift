import Shared

/// The passwords of the data nodes' roles, compared by their verifiers and set where they differ.
enum Passwords {
    /// Roles with their passwords, as the configuration wants them; the client's only when it is a role of its own.
    static func wanted(_ context: AgentContext) -> [(role: String, password: Secret)] {
        var rows = [
            ("pgautofailover_replicator", context.secrets.replication), ("postgres", context.secrets.superuser),
        ]
        let client = context.configuration.access.clientUser
        if client != "postgres" { rows.append((client, context.secrets.client)) }
        return rows
    }

    /// Roles of the primary whose password is missing or another one.
    static func outdated(_ node: String, _ context: AgentContext) async throws -> [String] {
        let separator = "|"
        let stored = try await context.psql.attempt(
            node, "SELECT rolname || '\(separator)' || coalesce(rolpassword, '') FROM pg_authid WHERE rolcanlogin;")
        // A server that goes away between two looks says nothing about what it lacks.
        if stored == nil, context.isPlanning { return [] }
        var verifiers: [String: String] = [:]
        for line in (stored ?? "").split(separator: "\n") {
            let parts = line.split(separator: Character(separator), maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { verifiers[String(parts[0])] = String(parts[1]) }
        }
        return wanted(context).filter { !ScramVerifier.matches($0.password, verifiers[$0.role] ?? "") }.map(\.role)
    }

    /// Sets what differs on a node that can write; makes the client's role where it is missing.
    static func setInside(_ node: String, _ context: AgentContext) async throws {
        let outdated = Set(try await outdated(node, context))
        guard !outdated.isEmpty else { return }
        let statements = wanted(context).filter { outdated.contains($0.role) }.map { role, password in
            let make =
                role == context.configuration.access.clientUser && role != "postgres"
                ? "SELECT 'CREATE ROLE ' || quote_ident(\(SQL.literal(role))) || ' LOGIN' WHERE NOT EXISTS"
                    + " (SELECT 1 FROM pg_roles WHERE rolname = \(SQL.literal(role))) \\gexec\n" : ""
            return make + Roles.setPassword(role, password)
        }
        // Not waiting for the standbys: with the old replication password they may be unable to confirm anything.
        try await context.psql.checked(
            node, "SET synchronous_commit = local;\n" + statements.joined(separator: "\n"), code: .accessFailed,
            what: "The passwords could not be set on \(node).")
    }
}
