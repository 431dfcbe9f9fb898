import Shared

/// Comes in the way clients come: `psql` of the machine, the published port, the password.
struct ClientCheck: Sendable {
    let topology: ClusterTopology

    private var user: String { topology.configuration.access.clientUser }

    /// Checks every node.
    func run(_ context: AgentContext) async throws {
        let password = user == "postgres" ? context.secrets.superuser : context.secrets.client
        let passwords = "\(topology.directory)/client.pgpass"
        try context.files.write("*:*:*:*:\(PassfileField.escaped(password.revealed))\n", to: passwords)
        defer { try? context.files.remove(passwords) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for node in topology.configuration.nodes { group.addTask { try await run(node, passwords, context) } }
            try await group.waitForAll()
        }
    }

    private func run(_ node: NodeSettings, _ passwords: String, _ context: AgentContext) async throws {
        let endpoint = topology.connections.nodes.first { $0.name == node.name }
        let result = try await context.runner.run(
            Self.command(
                address: endpoint?.address ?? "127.0.0.1", port: node.port, user: user,
                database: topology.configuration.postgres.database, passwords: context.files.place(passwords),
                authority: context.files.place("\(topology.secretsDirectory(node.name))/ca.crt")))
        if result.succeeded { return }
        if result.standardError.contains("pg_hba.conf rejects connection") {
            // A narrow range locks out clients that arrive with the network's gateway address.
            await context.warnings.add(
                "Clients on this machine reach \(node.name) from the address \(topology.subnet.address(1)), which"
                    + " access.client_cidr \(topology.configuration.access.clientCIDR) does not let in; a range that"
                    + " contains \(topology.subnet.address(1))/32 would.")
            return
        }
        throw PgafError(
            .verifyFailed, "A client cannot use \(node.name) through the published port \(node.port).",
            remedy: "Look at `docker logs \(node.name)` on the machine, then run `up` again.",
            cause: "psql ended with status \(result.status)", output: result.lastLines())
    }

    /// The whole command line; the password is in the file. The server has to prove who it is.
    static func command(
        address: String, port: Int, user: String, database: String, passwords: String, authority: String
    ) -> Command {
        Command(
            "psql",
            ["--no-psqlrc", "--no-password", "--quiet", "--no-align", "--tuples-only", "--command", "SELECT 1"],
            environment: [
                "PGHOST": address, "PGPORT": "\(port)", "PGUSER": user, "PGDATABASE": database,
                "PGPASSFILE": passwords, "PGSSLMODE": "verify-full", "PGSSLROOTCERT": authority,
                "PGCONNECT_TIMEOUT": "20",
            ], deadline: .seconds(60))
    }
}
