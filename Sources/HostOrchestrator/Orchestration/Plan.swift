import Shared

/// `pgaf-host plan`: what `up` with the same flags would change.
enum Plan {
    struct Options: Sendable, Equatable {
        var choice = ConfigurationChoice()
        /// As `up --purge` would.
        var purge = false
        var json = false
    }

    /// - Returns: the exit code, 0 for nothing to change and 2 for changes.
    static func run(_ options: Options, in context: HostContext) async throws -> Int32 {
        let loaded = try context.loadConfiguration(options.choice)
        var plan = try await make(loaded.configuration, purge: options.purge, in: context)
        if options.json {
            plan.notes += loaded.warnings
            context.say(try JSONText.indented(plan))
        } else {
            PlanText.lines(plan, warnings: loaded.warnings).forEach(context.say)
        }
        return plan.exitCode
    }

    private static func make(
        _ configuration: Configuration, purge: Bool, in context: HostContext
    ) async throws -> ClusterPlan {
        try ClusterMemory.load(context.project)?.check(configuration)
        // Passwords that `up` would generate are made for the question alone.
        let secrets = try await PasswordStore(project: context.project, environment: context.environment)
            .resolve(configuration.passwords, missing: .made)
        let certificates = try context.suppliedCertificates(configuration)
        let machine = try await context.machine(configuration)
        let outlook = try await machine.outlook()
        var steps = [step(outlook, machine.description)]
        var notes = outlook.notes
        switch outlook.state {
        case .missing: notes.append("everything in the machine is made then: \(contents(configuration))")
        case .stopped:
            notes.append("what the cluster lacks can be seen only while the machine runs; `vagrant up` starts it")
        case .running:
            let (inside, sent, lost) = try await ask(
                UpRun.request(
                    RunIdentifier.new(), configuration, secrets, certificates,
                    hosts: try await machine.hosts(), Request.Options(purge: purge)), machine, context)
            steps += inside.steps
            notes += lost + inside.notes
            if sent {
                notes.append(
                    "the agent on the machine was missing or another one: it has been put there, which changes nothing of"
                        + " the cluster")
            }
        }
        notes += await machine.warnings(with: configuration)
        return ClusterPlan(cluster: configuration.cluster, steps: steps, notes: notes)
            .mapTexts(Redactor(secrets.all).redact)
    }

    /// The agent's part, with the agent that belongs to this program.
    private static func ask(
        _ request: Request, _ machine: any Machine, _ context: HostContext
    ) async throws -> (ClusterPlan, sentAgent: Bool, lost: [String]) {
        let loss = try LostMemory(request.configuration, machine: machine.description, in: context)
        let keys = try KnownHostKeys(context.project)
        let connection = try await machine.connect()
        do {
            let (client, sent) = try await context.installAgent(over: connection, request.configuration)
            let lost = try await loss.warnings(client, learned: try keys.learned())
            let plan = try await client.plan(request)
            await connection.close()
            return (plan, sent, lost)
        } catch {
            await connection.close()
            throw error
        }
    }

    private static func step(_ outlook: MachineOutlook, _ description: String) -> PlannedStep {
        let action: PlannedStep.Action =
            outlook.changes.isEmpty ? .none : outlook.state == .missing ? .create : .change
        return PlannedStep(
            id: HostStep.machine.id, title: description, dependencies: [], action: action, changes: outlook.changes)
    }

    private static func contents(_ configuration: Configuration) -> String {
        let nodes = configuration.nodes.map(\.name).joined(separator: ", ")
        return "Docker, the image \(configuration.image.reference), the network \(configuration.network.name), the"
            + " monitor \(configuration.monitor.name), the nodes \(nodes), the database \(configuration.postgres.database)"
    }
}
