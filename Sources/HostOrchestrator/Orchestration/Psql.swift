import Shared

/// `pgaf-host psql`: a session on the primary or on a named node, without a password to type.
enum Psql {
    struct Options: Sendable, Equatable {
        var choice = ConfigurationChoice()
        var node: String?
        /// Passed on to psql.
        var arguments: [String] = []
    }

    static func run(_ options: Options, in context: HostContext) async throws {
        let configuration = try context.currentConfiguration(options.choice)
        if let node = options.node { try configuration.requireContainer(node) }
        let machine = try await context.machine(configuration)
        if let program = context.findProgram("psql") {
            let strings = try await ConnectionStrings.resolve(configuration, on: machine, context.project)
            try strings.requireAuthority(context.project)
            let secrets = try await PasswordStore(project: context.project, environment: context.environment)
                .resolve(configuration.passwords, missing: .refused)
            try context.project.prepare()
            let passwords = PasswordFile.text(strings, secrets)
            try MachineFiles().write(passwords, to: context.project.passwordFile)
            try context.replaceProcess(
                command(
                    program, strings, node: options.node, passwordFile: context.project.passwordFile,
                    arguments: options.arguments))
        } else {
            let terminal = context.terminal.isInteractive
            let invocation = try await context.withAgent(on: machine, configuration) { client in
                let node = try await node(options.node, configuration, client)
                return client.invocation.psql(
                    node: node,
                    database: node == configuration.monitor.name
                        ? ConnectionStrings.monitorDatabase : configuration.postgres.database,
                    terminal: terminal, arguments: options.arguments)
            }
            try context.replaceProcess(try await machine.interactiveCommand(invocation, terminal: terminal))
        }
    }

    /// psql's command line; the password is in the file that the environment names, never here.
    static func command(
        _ program: String, _ strings: ConnectionStrings, node: String?, passwordFile: String, arguments: [String]
    ) -> Command {
        let uri: String =
            if let target = strings.nodes.first(where: { $0.name == node }) {
                strings.node(target)
            } else if node == strings.monitor.name {
                strings.monitor()
            } else {
                strings.cluster()
            }
        return Command(
            program, ["--dbname", uri] + arguments, environment: ["PGPASSFILE": passwordFile], deadline: nil)
    }

    /// The named node, or the one that takes writes now.
    private static func node(
        _ named: String?, _ configuration: Configuration, _ client: AgentClient
    ) async throws -> String {
        if let named { return named }
        let state = try await client.status(cluster: configuration.cluster)
        // The container's name comes from our configuration, not from the machine's answer.
        if let primary = state.nodes.first(where: { NodeState.takingWrites.contains($0.reportedState ?? "") }),
            configuration.nodes.contains(where: { $0.name == primary.name })
        {
            return primary.name
        }
        throw PgafError(
            .nodeFailed, "No node of the cluster \(configuration.cluster) takes writes now.",
            remedy: "Look at `pgaf-host status`, or name a node with --node.",
            cause: state.nodes.map { "\($0.name): \($0.reportedState ?? "unknown")" }.joined(separator: ", "))
    }
}

extension Configuration {
    /// - Throws: `usage` for a name that neither a node nor the monitor has.
    func requireContainer(_ name: String) throws {
        let names = nodes.map(\.name) + [monitor.name]
        guard names.contains(name) else { throw PgafError.unknownNode(name, among: names) }
    }
}
