import ArgumentParser
import Shared

/// `pgaf-agent plan`: what `up` would change.
struct AgentPlanCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Say what `up` would change, without changing anything.",
        discussion: """
            Without --config or --set a request is read from standard input as for `up`, and one JSON object is written.

            Ends with 0 when `up` would change nothing and with 2 when there are changes.
            """)

    @OptionGroup var alone: StandaloneOptions

    @Flag(help: "As `up --purge` would.")
    var purge = false

    @Flag(help: "Print one JSON object instead of readable text (always so for a request).")
    var json = false

    var printsJSON: Bool { json || !alone.isAlone }

    func run() async throws {
        try Privilege.requireRoot()
        let store = ClusterStore()
        let request =
            alone.isAlone
            ? try await StandaloneRequest(store: store).make(alone, options: Request.Options(purge: purge))
            : try Request(decoding: RequestInput.read())
        let turnstile = Turnstile.forPrograms()
        var plan = try await PlanRun(
            runner: LimitedRunner(SubprocessRunner(), turnstile: turnstile),
            sessions: PsqlSessions(turnstile: turnstile), store: store, request: request
        ).plan()
        // A host says it by itself.
        let warnings =
            (alone.isAlone ? ConfigurationValidator.warnings(for: request.configuration) : [])
            + alone.exposedSecrets(request.configuration)
        if printsJSON {
            plan.notes += warnings
            try Output.json(plan)
        } else {
            PlanText.lines(plan, warnings: warnings).forEach(Output.line)
        }
        if plan.exitCode != 0 { throw ExitCode(plan.exitCode) }
    }
}
