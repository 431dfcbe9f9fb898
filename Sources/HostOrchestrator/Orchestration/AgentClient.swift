import Shared

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The agent as the host sees it, over any connection.
struct AgentClient: Sendable {
    let connection: any Connection
    let invocation: AgentInvocation

    /// Finds out whether the user of the connection is root or may become it.
    ///
    /// - Parameter local: absolute path of the agent where the machine is this one; nil where `up` has put it there.
    /// - Throws: `agent.no-root`.
    static func onMachine(_ connection: any Connection, local: String? = nil) async throws -> AgentClient {
        let path = local ?? AgentInvocation.installedPath
        let identity = try await connection.collect(["id", "-u"])
        if identity.succeeded, identity.trimmedOutput == "0" {
            return AgentClient(connection: connection, invocation: AgentInvocation(path: path, needsSudo: false))
        }
        let sudo = try await connection.collect(Elevation.arguments(["true"], isRoot: false))
        guard sudo.succeeded else {
            throw PgafError(
                .privilegeMissing, "The user on the machine is not root and may not become it without a password.",
                remedy: local == nil
                    ? "Log in as root (`machine.ssh.user: root`), or allow the user `NOPASSWD: ALL` in sudoers."
                    // `sudo -v` would not do: it counts for a terminal, and programs get a session of their own.
                    : "Run pgaf-host as root from now on (`sudo pgaf-host …`), or allow your user `NOPASSWD: ALL` in"
                        + " sudoers.",
                cause: "`sudo -n true` ended with \(sudo.status)",
                output: sudo.lastLines(3).map { TerminalText.clean($0) })
        }
        return AgentClient(connection: connection, invocation: AgentInvocation(path: path, needsSudo: true))
    }

    /// Asks a run to end at its next step boundary.
    ///
    /// - Parameter run: nil means the latest one of the machine.
    func cancel(run: String?) async throws {
        let answer = try await connection.collect(invocation.cancel(run: run))
        guard answer.succeeded else { throw await failure(answer, doing: "cancel the run") }
    }

    /// Hands on the events of a run, cleaned, without judging its result.
    ///
    /// - Throws: what the agent reports; `command.failed` where it ends badly without a result, also without a word;
    ///   `protocol.violation`.
    func events(
        of run: String?, since: Int, waiting: Bool, _ take: @escaping @Sendable (Event) -> Void
    ) async throws {
        let lines = AgentLines { take(try Event(agentLine: $0).mapTexts { TerminalText.clean($0) }) }
        let arguments = invocation.follow(run: run, since: since, waiting: waiting)
        let status = try await connection.execute(arguments, input: nil) { try await lines.take($0) }
        guard status != .exited(0) else { return }
        var answer = await lines.end(status)
        // A run that failed ends its follower with the run's own status, also where `since` leaves its result out.
        if case .result = (try? EventCoding.decode(answer.standardOutput))?.body { return }
        let isSilent = answer.standardOutput.isEmpty && answer.standardError.isEmpty
        if since > 0, isSilent, ErrorCode.allCases.contains(where: { status == .exited($0.exitCode) }) { return }
        // The last event does not say why.
        answer.standardOutput = ""
        throw await failure(answer, doing: "list the events")
    }

    /// What the monitor and Docker say now.
    ///
    /// - Throws: what the agent reports (`cluster.not-found`), `agent.missing` when it is not installed,
    ///   `protocol.violation`.
    func status(cluster: String) async throws -> FormationState {
        let answer = try await connection.collect(invocation.status(cluster: cluster))
        let data = Data(answer.standardOutput.utf8)
        if answer.succeeded, let state = try? JSONDecoder().decode(FormationState.self, from: data) {
            return state.mapTexts { TerminalText.clean($0) }
        }
        throw await failure(answer, doing: "report the state of the cluster")
    }

    /// Hands on one look at the formation after another, cleaned, until the agent ends or the task is cancelled.
    ///
    /// - Throws: what the agent reports, `agent.missing` when it is not installed, `ssh.link-lost`.
    func watch(
        cluster: String, interval: Double, _ take: @escaping @Sendable (FormationLook) -> Void
    ) async throws {
        let lines = AgentLines { take(try Self.look($0)) }
        let arguments = invocation.watch(cluster: cluster, interval: interval)
        let status = try await connection.execute(arguments, input: nil) { try await lines.take($0) }
        throw await failure(await lines.end(status), doing: "watch the formation")
    }

    private static func look(_ line: String) throws -> FormationLook {
        let data = Data(line.utf8)
        if let state = try? JSONDecoder().decode(FormationState.self, from: data) {
            return .success(state.mapTexts { TerminalText.clean($0) })
        }
        if let error = PgafError(toldBy: line) { return .failure(error) }
        throw PgafError(
            .protocolViolation, "The agent sent a line that is no state of the formation.",
            remedy: "Run `pgaf-host up`; it installs the agent that belongs to this program.")
    }

    /// Stops the cluster's containers in order, and shows nothing meanwhile.
    ///
    /// - Returns: the names of those that ran.
    func stop(cluster: String) async throws -> [String] {
        struct Answer: Decodable { var stopped: [String] }
        let answer = try await connection.collect(invocation.stop(cluster: cluster))
        let data = Data(answer.standardOutput.utf8)
        if answer.succeeded, let stopped = try? JSONDecoder().decode(Answer.self, from: data).stopped {
            return stopped.map { TerminalText.clean($0) }
        }
        throw await failure(answer, doing: "stop the cluster")
    }

    /// What `up` with this request would change.
    ///
    /// - Throws: what `up` would refuse, `protocol.violation`.
    func plan(_ request: Request) async throws -> ClusterPlan {
        let answer = try await connection.collect(invocation.plan, input: try request.encoded())
        if answer.succeeded || answer.status == ClusterPlan.exitCodeForChanges,
            let plan = try? JSONDecoder().decode(ClusterPlan.self, from: Data(answer.standardOutput.utf8))
        {
            return plan.mapTexts { TerminalText.clean($0) }
        }
        throw await failure(answer, doing: "say what `up` would change")
    }

    /// The agent's version number, or nil when there is no agent.
    func version() async throws -> String? {
        let answer = try await connection.collect(invocation.version)
        guard answer.succeeded else { return nil }
        // `pgaf-agent 0.1.0` or the number alone.
        let words = answer.standardOutput.split(whereSeparator: \.isWhitespace)
        return words.last.map { TerminalText.clean(String($0.prefix(40))) }
    }

    /// Passes on what containers wrote, cleaned line by line, as it comes.
    ///
    /// - Parameter shown: how such a line is printed; nil for the JSON object in which the agent tells it, so that no
    ///   words of a container pass for the agent's own.
    /// - Throws: what the agent reports (`cluster.not-found`, `docker.unavailable`), `agent.missing`, `command.failed`.
    func logs(
        _ arguments: [String], to output: any TextOutput, _ shown: @escaping @Sendable (ContainerLine) -> String?
    ) async throws {
        let lines = AgentLines { line in
            let told = try? JSONDecoder().decode(ContainerLine.self, from: Data(line.utf8))
            if told == nil, let error = PgafError(toldBy: line) { throw error }
            var text = told.flatMap(shown) ?? line
            if text.hasSuffix("\r") { text.removeLast() }
            output.write(TerminalText.clean(text, keepingTabs: true) + "\n")
        }
        let status = try await connection.execute(arguments, input: nil) { try await lines.take($0) }
        try await lines.takeRest()
        guard status != .exited(0) else { return }
        var answer = await lines.end(status)
        // What a container wrote is not why.
        answer.standardOutput = ""
        throw await failure(answer, doing: "show logs")
    }

    /// `agent.missing` where there is no agent on the machine.
    func missing(_ lines: [String]) async -> PgafError? {
        guard let test = try? await connection.collect(invocation.root(["test", "-x", invocation.path])),
            !test.succeeded
        else { return nil }
        return PgafError(
            .agentMissing, "There is no agent on the machine.",
            remedy: "Run `pgaf-host up`; it installs the agent and makes the cluster.", output: lines)
    }

    /// The agent's error object if it sent one, else what can be told from its exit status.
    private func failure(_ answer: CommandResult, doing activity: String) async -> PgafError {
        if let error = PgafError(toldBy: answer.standardOutput) { return error }
        let lines = answer.lastLines().map { TerminalText.clean($0) }
        if let missing = await missing(lines) { return missing }
        return PgafError(
            .commandFailed, "The agent could not \(activity) (status \(answer.status)).",
            remedy: "Run `pgaf-host up`; it installs the agent that belongs to this program and repairs the cluster.",
            output: lines)
    }
}

/// A line that a container wrote, as the agent tells it.
struct ContainerLine: Decodable {
    var container: String
    var line: String
}

extension PgafError {
    /// The error that the agent prints as `{"error": …}` where its reader is a program, cleaned; nil for any other text,
    /// such as an event that has an error.
    init?(toldBy text: String) {
        struct Envelope: Decodable {
            var error: PgafError
            var type: String?
        }
        guard let envelope = try? JSONDecoder().decode(Envelope.self, from: Data(text.utf8)), envelope.type == nil
        else { return nil }
        self = envelope.error.mapTexts { TerminalText.clean($0) }
    }
}

extension Event {
    /// An event as the agent prints it.
    ///
    /// - Throws: what the agent says instead: there is no such run, none could be begun, or it ended without a result;
    ///   `protocol.violation`, `protocol.mismatch`.
    init(agentLine line: String) throws {
        do {
            self = try EventCoding.decode(line)
        } catch {
            throw PgafError(toldBy: line) ?? error
        }
    }
}
