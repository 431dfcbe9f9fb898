import Shared

extension HostContext {
    /// Connects to the machine, does the work with its agent, and closes the connection however that ends.
    func withAgent<Value: Sendable>(
        on machine: any Machine, _ configuration: Configuration,
        _ work: (AgentClient) async throws -> Value
    ) async throws -> Value {
        let connection = try await machine.connect()
        do {
            let value = try await work(try await agent(over: connection, configuration))
            await connection.close()
            return value
        } catch {
            await connection.close()
            throw error
        }
    }

    /// The agent's executable on this computer: the bundle's in a run with one; the one that belongs to this program; or
    /// the one that a bundle has left in this directory.
    ///
    /// - Throws: `agent.missing`.
    func agentBinary() throws -> String {
        if let agentFile { return agentFile }
        do {
            return try AgentBinary.locate(executable: executable, environment: environment)
        } catch {
            let isNamed = environment["PGAF_AGENT"]?.isEmpty == false
            guard !isNamed, MachineFiles().isExecutable(project.bundledAgent) else { throw error }
            return project.bundledAgent
        }
    }

    /// Puts the agent on the machine, where it is not there already.
    ///
    /// - Returns: the agent, and whether it had to be sent.
    func installAgent(
        over connection: any Connection, _ configuration: Configuration,
        onProgress: (@Sendable (Double) async -> Void)? = nil
    ) async throws -> (AgentClient, changed: Bool) {
        let binary = try agentBinary()
        if configuration.machine.kind == .local {
            return (try await AgentClient.onMachine(connection, local: binary), false)
        }
        let client = try await AgentClient.onMachine(connection)
        let sent = try await connection.upload(
            binary, to: client.invocation.path, mode: 0o755, privileged: client.invocation.needsSudo,
            onProgress: onProgress)
        return (client, sent)
    }

    /// The agent where it is: beside this program for this machine, installed on all others.
    func agent(over connection: any Connection, _ configuration: Configuration) async throws -> AgentClient {
        guard configuration.machine.kind == .local else { return try await AgentClient.onMachine(connection) }
        return try await AgentClient.onMachine(connection, local: agentBinary())
    }
}
