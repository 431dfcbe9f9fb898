import ArgumentParser
import FoundationEssentials
import Shared

/// `pgaf-agent up`: makes the cluster as the request on standard input, or a configuration file, wants it.
struct AgentUpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Make the cluster, or bring it into order.",
        discussion: """
            Without --config and --set a request is read from standard input as pgaf-host sends it, and events are written
            to standard output, one JSON object a line. With either the program works alone.

            The work is a run of its own that goes on when this program ends: `pgaf-agent follow` shows it again,
            `pgaf-agent cancel` ends it at its next step boundary.
            """)

    @OptionGroup var alone: StandaloneOptions

    @Flag(help: "Remove the volumes of nodes that are no longer in the configuration, without asking.")
    var purge = false

    @Flag(help: "Wait for another run on this machine to end, instead of failing.")
    var wait = false

    @Flag(help: "Write events as JSON lines instead of readable text (always so for a request).")
    var json = false

    func run() async throws {
        let store = ClusterStore()
        let request: Request
        if alone.isAlone {
            try Privilege.requireRoot()
            request = try await StandaloneRequest(store: store).make(
                alone,
                options: Request.Options(purge: purge, wait: wait))
            for text in alone.exposedSecrets(request.configuration) { Output.error("warning: \(text)") }
        } else {
            request = try Request(decoding: try RequestInput.read())
            try Privilege.requireRoot()
        }
        guard RunIdentifier.isOne(request.run) else {
            throw PgafError(
                .protocolViolation,
                "The request's run id is not one that pgaf makes (\(request.run.utf8.count) bytes).",
                remedy: "Use pgaf-host and pgaf-agent of the same release.")
        }
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let place = try await DetachedRun(runner: SubprocessRunner(), store: store, program: program).start(request)
        try await RunView(place: place, json: json || !alone.isAlone).show(since: 0, waiting: true)
    }
}
