import Shared

/// What lies in a node's volume.
struct NodeRemains: Sendable, Equatable {
    var hasMemory: Bool
    var isInitialising: Bool
    var hasData: Bool
    /// Whether the last that its server says of following the primary is that it cannot.
    var hasStrayed = false

    /// Reads it from beside the container, which may be starting again and again; nil when Docker does not let one look.
    static func read(_ container: String, _ context: AgentContext) async throws -> NodeRemains? {
        try await read(in: ["--volumes-from", container], context)
    }

    private static func read(in volume: [String], _ context: AgentContext) async throws -> NodeRemains? {
        let result = try await context.runner.run(
            command(
                volume, context,
                "for f in \(ContainerLayout.keeperState) \(ContainerLayout.keeperInitialisation)"
                    + " \(ContainerLayout.data)/global/pg_control; do test -s $f && echo yes || echo no; done; "
                    + strayed))
        let answers = result.trimmedOutput.split(separator: "\n").map { $0 == "yes" }
        guard result.succeeded, answers.count == 4 else { return nil }
        return NodeRemains(
            hasMemory: answers[0], isInitialising: answers[1], hasData: answers[2], hasStrayed: answers[3])
    }

    /// The same of a node that may have no container: nothing is left where its volume is gone too. nil where nobody
    /// can tell.
    static func find(_ name: String, _ context: AgentContext) async throws -> NodeRemains? {
        if let volume = try await volume(of: name, context) { return try await read(in: volume, context) }
        // An engine that is gone shows nothing either.
        guard context.configuration.nodes.contains(where: { $0.name == name }),
            try await Docker(runner: context.runner).engineVersion() != nil
        else { return nil }
        return NodeRemains(hasMemory: false, isInitialising: false, hasData: false)
    }

    /// Docker's words that bring a node's volume into another container; nil where there is none.
    private static func volume(of name: String, _ context: AgentContext) async throws -> [String]? {
        let docker = Docker(runner: context.runner)
        if try await docker.container(name) != nil { return ["--volumes-from", name] }
        guard let node = context.configuration.nodes.first(where: { $0.name == name }),
            try await docker.labels(of: "volume", node.effectiveVolume) != nil
        else { return nil }
        return ["--volume", "\(node.effectiveVolume):\(ContainerLayout.volume)"]
    }

    /// Whether a node has data, is about to have some, or nobody can tell.
    static func mayHaveData(_ name: String, _ context: AgentContext) async throws -> Bool {
        if try await context.psql.answers(name) { return true }
        return try await find(name, context).map { $0.hasData || $0.isInitialising } ?? true
    }

    /// Looks into the log that the server began at its last start, for the words of its xlogrecovery.c and walreceiver.c.
    private static let strayed =
        "grep -hE 'started streaming WAL|is not a child of this server|before current recovery point"
        + "|could not receive data.* has already been removed'"
        + " \"$(ls -t \(ContainerLayout.data)/log/* | head -n 1)\" | tail -n 1 | grep -qv 'started streaming'"
        + " && echo yes || echo no"

    /// Sets the data aside and removes pg_autoctl's memory, in the volume of a container that is stopped.
    ///
    /// - Returns: where the data is now, beside what was set aside before; nil when there was none.
    static func clear(_ container: String, _ context: AgentContext) async throws -> String? {
        let (data, aside) = (ContainerLayout.data, ContainerLayout.setAside)
        let script = """
            set -e
            if [ -n "$(ls -A \(data)/base 2>/dev/null)" ]; then
                aside=\(aside) number=1
                while [ -e "$aside" ]; do number=$((number + 1)) aside=\(aside).$number; done
                mv \(data) "$aside"
                echo "$aside"
            fi
            rm -rf \(data) \(ContainerLayout.stateHome)/pg_autoctl \(ContainerLayout.configurationHome)/pg_autoctl
            """
        let result = try await context.runner.checked(
            command(["--volumes-from", container], context, script), code: .nodeFailed,
            what: "The volume of \(container) could not be put into order.", remedy: Docker.remedy)
        return result.trimmedOutput.isEmpty ? nil : result.trimmedOutput
    }

    /// What a node's control file says of how far its server had come; nil where it cannot be read.
    static func progress(_ name: String, _ context: AgentContext) async throws -> ServerProgress? {
        guard let volume = try await volume(of: name, context) else { return nil }
        let result = try await context.runner.run(command(volume, context, ServerProgress.command))
        return result.succeeded ? ServerProgress(controlData: result.standardOutput) : nil
    }

    /// A shell over a volume, in a container of its own without a network.
    private static func command(_ volume: [String], _ context: AgentContext, _ script: String) -> Command {
        // The directories are `postgres`' own.
        let words =
            HelperContainer.run + [
                "--cap-add", "DAC_OVERRIDE", "--label", "\(Label.cluster)=\(context.configuration.cluster)",
            ] + volume + ["--entrypoint", "sh", context.configuration.image.reference, "-c", script]
        return Command("docker", words, deadline: .seconds(300))
    }
}
