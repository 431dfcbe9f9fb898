import Shared

/// The one way by which events of a run, the host's own and the agent's, reach the journal and the display.
///
/// All of them get one sequence of numbers, since a reader of `events.jsonl` or of `--progress json` sees one run; the
/// agent's own numbers are checked before (`AgentStream`) and kept in its journal inside the machine. Every text is
/// redacted and cleaned of control characters here.
actor RunRecorder: ProgressSink {
    /// Id of the run; that of the host's events.
    private let run: String
    private let display: any EventDisplay
    /// Both nil for somebody who only looks on.
    private let events: LogFile?
    private let agentLog: LogFile?
    private var redactor = Redactor()
    private var sequence = 0
    /// What has happened so far, for the summary.
    private(set) var tally = Tally()
    /// The first failure to keep a log; the run goes on without it and says so at the end.
    private(set) var trouble: PgafError?
    /// Whether the agent has said what it is going to do.
    private(set) var agentHasBegun = false
    /// Set when this program leaves a run that goes on in the machine: then its end is not this program's to tell.
    private(set) var hasLeft = false

    /// Keeps the run's logs in its directory.
    init(_ directory: RunDirectory, display: any EventDisplay) throws {
        run = directory.id
        self.display = display
        events = try LogFile(directory.events, limit: 256 << 20)
        agentLog = try LogFile(directory.agentLog)
    }

    /// Shows a run without keeping anything of it.
    init(showing run: String, on display: any EventDisplay) {
        self.run = run
        self.display = display
        (events, agentLog) = (nil, nil)
    }

    func leave() { hasLeft = true }

    /// Hides these from now on.
    func hide(_ secrets: [Secret]) { redactor = Redactor(secrets) }

    /// Records something that the host itself did.
    func report(_ body: Event.Body) async { record(body, at: Timestamp.now()) }

    /// Says at once what a user should know before the run goes on, and records it as a line of a step.
    func warn(_ text: String, in step: HostStep, elsewhere errors: any TextOutput) {
        let line = "warning: \(safe(text))"
        record(.stepOutput(step: step.id, line: line), at: Timestamp.now())
        display.say(line, elsewhere: errors)
    }

    /// Records an event of the agent, at the agent's time.
    func forward(_ event: Event) {
        if case .plan = event.body { agentHasBegun = true }
        record(event.body, at: event.time)
    }

    /// Keeps a line of the agent's standard error.
    ///
    /// - Returns: the line as it may be shown.
    func keep(agentLine line: String) -> String {
        let line = safe(line)
        attempt { try agentLog?.add(line) }
        return line
    }

    /// The error as it may be shown: without secrets and without control characters.
    func safe(_ error: PgafError) -> PgafError { error.mapTexts { safe($0) } }

    /// The result as it may be shown.
    func safe(_ result: RunResult) -> RunResult { result.mapTexts { safe($0) } }

    private func record(_ body: Event.Body, at time: String) {
        sequence += 1
        let event = Event(run: run, seq: sequence, time: time, body: body).mapTexts { safe($0) }
        tally.count(event.body)
        attempt {
            try events?.add(EventCoding.encode(event))
        }
        display.show(event)
    }

    /// Steps that ended well, and the last snapshot of the formation.
    struct Tally: Sendable {
        var finished = 0
        /// Steps that changed something; connecting is none.
        var changed = 0
        var state: FormationState?

        mutating func count(_ body: Event.Body) {
            switch body {
            case .stepFinished(let step, let outcome, _):
                finished += 1
                if outcome == .changed, step != HostStep.connect.id { changed += 1 }
            case .state(let latest): state = latest
            default: break
            }
        }
    }

    private func safe(_ text: String) -> String { TerminalText.clean(redactor.redact(text)) }

    private func attempt(_ work: () throws -> Void) {
        do { try work() } catch { trouble = trouble ?? .wrapping(error, doing: "keeping the log of the run") }
    }
}
