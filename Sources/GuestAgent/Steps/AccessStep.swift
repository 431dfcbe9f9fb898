import Shared

/// Who may come into one data node: its rules and settings loaded, and on the primary passwords and the database.
struct AccessStep: Step {
    let node: NodeSettings
    let topology: ClusterTopology

    var id: String { "access.\(node.name)" }
    var title: String { "access to \(node.name)" }
    var dependencies: [String] { [NodeStep.id(node.name)] }

    private var container: ContainerConvergence { .node(node, topology) }

    func inspect(_ context: AgentContext) async throws -> [Change] {
        var changes = try container.fileDifferences(context).map { Change(.change, "files", $0) }
        // A container that is made brings its files along.
        if try await container.isAhead(context) { changes = [] }
        // A node that does not answer yet is its own step's concern.
        guard let recovering = try await context.psql.attempt(node.name, Self.recovery) else {
            return changes + [try await unseen(context)]
        }
        guard recovering == "f" else { return changes }
        for role in try await Passwords.outdated(node.name, context) {
            changes.append(Change(.change, "passwords", "set the password of \(role)"))
        }
        let exists = try await context.psql.attempt(node.name, databaseExists)
        // A server that goes away between two looks says nothing about what it lacks.
        if exists != "1", !(exists == nil && context.isPlanning) {
            let database = topology.configuration.postgres.database
            changes.append(Change(.create, "database", "create the database \(database)"))
        }
        return changes
    }

    /// What can be said of a node that does not answer: all is missing on a new one, and perhaps nothing on one that was
    /// here before and will be started by its own step.
    private func unseen(_ context: AgentContext) async throws -> Change {
        if context.isPlanning, try await container.hasVolume(context) {
            return Change(.wait, "access", "see what access to \(node.name) lacks once it answers")
        }
        return Change(.create, "access", "set up access to \(node.name)")
    }

    func apply(_ planned: [Change], _ context: AgentContext) async throws {
        let writable = try await awaitServer(context)
        // What a node lacks can be seen only once it answers.
        let changes = planned.has("access") ? try await inspect(context) : planned
        if changes.has("files") {
            try await container.replaceFiles(context) { try await reload(context) }
        }
        guard writable else { return }
        if changes.has("passwords") { try await Passwords.setInside(node.name, context) }
        if changes.has("database") {
            let database = topology.configuration.postgres.database
            let owner = topology.configuration.access.clientUser
            let create =
                "SELECT 'CREATE DATABASE ' || quote_ident(\(SQL.literal(database)))"
                + " || ' OWNER ' || quote_ident(\(SQL.literal(owner))) WHERE NOT EXISTS (\(databaseQuery)) \\gexec"
            try await context.psql.checked(
                node.name, create, code: .accessFailed, what: "The database \(database) could not be created.")
        }
    }

    private static let recovery = "SELECT pg_is_in_recovery();"

    /// Waits until PostgreSQL takes connections, should it just be restarted.
    ///
    /// - Returns: whether the node takes writes.
    private func awaitServer(_ context: AgentContext) async throws -> Bool {
        let wait = Wait(
            for: "PostgreSQL of \(node.name) to take connections", upTo: .seconds(300), every: .milliseconds(100),
            sparing: true, hint: "Look at `docker logs \(node.name)` on the machine, then run `up` again.",
            code: .accessFailed)
        return try await context.wait(wait, step: id, in: node.name) {
            let answer = try await context.psql.attempt(node.name, Self.recovery)
            return answer.map { .found($0 == "f") } ?? .notYet("psql in its container gets no connection")
        }
    }

    private var databaseQuery: String {
        "SELECT 1 FROM pg_database WHERE datname = \(SQL.literal(topology.configuration.postgres.database))"
    }

    private var databaseExists: String { databaseQuery + ";" }

    /// What the server says of the file as it is now. One that only waits for a restart is no error.
    static let wrongSettings = """
        SELECT coalesce(string_agg(format('%s = %L: %s', f.name, f.setting, f.error), '; '), '')
            FROM pg_file_settings f LEFT JOIN pg_settings s ON s.name = f.name
            WHERE f.error IS NOT NULL AND f.sourcefile LIKE '\(ContainerLayout.configuration)/%'
                AND s.context IS DISTINCT FROM 'postmaster';
        """

    private static let loadTime = "SELECT pg_conf_load_time();"

    /// Checks the files with PostgreSQL's own eyes before it reads them, then reloads in SQL: `pg_autoctl reload` can
    /// kill a base backup.
    private func reload(_ context: AgentContext) async throws {
        let errors = try await context.psql.checked(
            node.name,
            "SELECT coalesce(string_agg(coalesce(file_name, '') || ':' || line_number || ': ' || error, '; '), '')"
                + " FROM pg_hba_file_rules WHERE error IS NOT NULL;",
            code: .accessFailed, what: "The access rules of \(node.name) could not be checked.")
        guard errors.isEmpty else {
            throw PgafError(
                .accessFailed, "PostgreSQL refuses the access rules of \(node.name); the old ones stay in force.",
                remedy: "Correct the `access` part of pgaf.yaml, then run `up` again.", cause: errors)
        }
        let wrong = try await context.psql.checked(
            node.name, Self.wrongSettings, code: .accessFailed,
            what: "The settings of \(node.name) could not be checked.")
        guard wrong.isEmpty else {
            throw PgafError(
                .accessFailed, "PostgreSQL refuses settings of \(node.name); the old ones stay in force.",
                remedy: "Correct `postgres.settings` in pgaf.yaml, then run `up` again.", cause: wrong)
        }
        let before = try await context.psql.attempt(node.name, Self.loadTime)
        try await context.psql.checked(
            node.name, "SELECT pg_reload_conf();", code: .accessFailed,
            what: "The settings of \(node.name) could not be reloaded.")
        let wait = Wait(
            for: "\(node.name) to have read its new settings", upTo: .seconds(60), every: .milliseconds(50),
            hint: "Look at `docker logs \(node.name)` on the machine, then run `up` again.", code: .accessFailed)
        try await context.wait(wait, step: id) {
            let now = try await context.psql.attempt(node.name, Self.loadTime)
            return now != nil && now != before ? .found(()) : .notYet("they were read last at \(before ?? "-")")
        }
    }
}
