import ArgumentParser
import FoundationEssentials
import Shared
import SystemPackage

/// `pgaf-agent up`: makes the cluster as the request on standard input, or a configuration file, wants it.
struct AgentUpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Make the cluster, or bring it into order.",
        discussion: """
            Without --config a request is read from standard input as pgaf-host sends it, and events are written to
            standard output, one JSON object a line. With --config the program works alone.
            """)

    @Option(help: ArgumentHelp("Read this pgaf.yaml instead of a request.", valueName: "file"))
    var config: String?

    @Option(name: .customLong("set"), help: ArgumentHelp("Override one key of the file.", valueName: "key=value"))
    var overrides: [String] = []

    @Flag(help: "Write events as JSON lines instead of readable text (always so for a request).")
    var json = false

    func run() async throws {
        let store = ClusterStore()
        let request: Request
        if config != nil || !overrides.isEmpty {
            try Privilege.requireRoot()
            request = try StandaloneRequest(store: store).make(file: config, overrides: overrides)
        } else {
            request = try Request(decoding: try Self.readStandardInput())
        }
        guard RunIdentifier.isOne(request.run) else {
            throw PgafError(
                .protocolViolation,
                "The request's run id is not one that pgaf makes (\(request.run.utf8.count) bytes).",
                remedy: "Use pgaf-host and pgaf-agent of the same release.")
        }
        let asEvents = json || (config == nil && overrides.isEmpty)
        let journal = try? Journal(run: request.run, store: store)
        let events = EventWriter(
            run: request.run, redactor: Redactor(request.secrets.all),
            outlets: [
                { line, event in try journal?.append(line, event) },
                { line, event in
                    if asEvents {
                        Output.line(line)
                    } else if let text = EventText.line(event.body) {
                        Output.error(text)
                    }
                },
            ])
        // One more than there are processors: some programs only wait.
        let turnstile = Turnstile(max(3, ProcessInfo.processInfo.activeProcessorCount + 1))
        let status = await UpRun(
            runner: LimitedRunner(SubprocessRunner(), turnstile: turnstile),
            sessions: PsqlSessions(turnstile: turnstile), store: store, request: request, events: events
        ).run()
        if status != 0 { throw ExitCode(status) }
    }

    /// At most 4 MiB: a request is a configuration and a few passwords.
    private static func readStandardInput() throws -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= 4 << 20 {
            let count = try buffer.withUnsafeMutableBytes { try FileDescriptor.standardInput.read(into: $0) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
        throw PgafError(
            .protocolViolation, "The request on standard input is longer than 4 MiB.",
            remedy: "Use `pgaf-agent up --config FILE` when you run the agent by hand.")
    }
}
