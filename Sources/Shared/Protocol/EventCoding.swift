#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Events to lines and back; the only place that knows the layout of the wire.
public enum EventCoding {
    /// The longest line, its line end not counted.
    public static let maximumLineLength = 64 << 10

    /// One line without its line end, keys sorted, at most `maximumLineLength` bytes.
    ///
    /// Texts that would make the line too long (a tool's output) are cut in the middle of the longest one.
    public static func encode(_ event: Event) throws -> String {
        var event = event
        var allowance = 32 << 10
        while true {
            let line = try JSONText.line(WireEvent(event))
            if line.utf8.count <= maximumLineLength { return line }
            guard allowance > 256 else {
                throw PgafError(
                    .protocolViolation, "An event of type \(event.body.type) is longer than 64 KiB.",
                    remedy: "Report this with the log of the run.")
            }
            allowance /= 4
            event.body = event.body.shortened(to: allowance)
        }
    }

    /// Reads one line.
    ///
    /// - Throws: `protocol.mismatch` for another `v`, `protocol.violation` for anything that is not an event.
    public static func decode(_ line: String) throws -> Event {
        guard line.utf8.count <= maximumLineLength else {
            throw violation("a line of \(line.utf8.count) bytes", line)
        }
        let data = Data(line.utf8)
        let version: WireVersion
        do {
            version = try JSONDecoder().decode(WireVersion.self, from: data)
        } catch {
            throw violation("a line that is no event", line)
        }
        guard version.v == Event.version else {
            throw PgafError(
                .protocolMismatch,
                "The agent speaks version \(version.v) of the protocol, this program version \(Event.version).",
                remedy: "Use pgaf-host and pgaf-agent of the same release, then run `pgaf-host up` again.")
        }
        do {
            return try JSONDecoder().decode(WireEvent.self, from: data).event
        } catch {
            throw violation("an event with missing or wrong fields (\(version.type?.shown ?? "no type"))", line)
        }
    }

    private static func violation(_ what: String, _ line: String) -> PgafError {
        // Escaped, since a hostile agent must not write control or direction characters to the terminal.
        let shown = String(line.unicodeScalars.prefix(120).map { $0.isUnsafeToShow ? "·" : Character($0) })
        return PgafError(
            .protocolViolation, "The agent sent \(what).",
            remedy: "Run `pgaf-host up` again; it installs the agent that belongs to this program.", cause: shown)
    }
}

private struct WireVersion: Decodable {
    var v: Int
    var type: String?
}

/// The flat form of an event.
private struct WireEvent: Codable {
    var event: Event

    init(_ event: Event) { self.event = event }

    private enum Key: String, CodingKey {
        case v, run, seq, time, type
        case steps, step, fraction, message, line, outcome, seconds, error
        case hello, state, heartbeat, result
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(Event.version, forKey: .v)
        try container.encode(event.run, forKey: .run)
        try container.encode(event.seq, forKey: .seq)
        try container.encode(event.time, forKey: .time)
        try container.encode(event.body.type, forKey: .type)
        switch event.body {
        case .hello(let hello): try container.encode(hello, forKey: .hello)
        case .plan(let steps): try container.encode(steps, forKey: .steps)
        case .stepStarted(let step): try container.encode(step, forKey: .step)
        case .stepProgress(let step, let fraction, let message):
            try container.encode(step, forKey: .step)
            try container.encodeIfPresent(fraction, forKey: .fraction)
            try container.encodeIfPresent(message, forKey: .message)
        case .stepOutput(let step, let line):
            try container.encode(step, forKey: .step)
            try container.encode(line, forKey: .line)
        case .stepFinished(let step, let outcome, let seconds):
            try container.encode(step, forKey: .step)
            try container.encode(outcome, forKey: .outcome)
            try container.encode(seconds, forKey: .seconds)
        case .stepFailed(let step, let error, let seconds):
            try container.encode(step, forKey: .step)
            try container.encode(error, forKey: .error)
            try container.encode(seconds, forKey: .seconds)
        case .state(let state): try container.encode(state, forKey: .state)
        case .heartbeat(let heartbeat): try container.encode(heartbeat, forKey: .heartbeat)
        case .result(let result): try container.encode(result, forKey: .result)
        case .unknown: break
        }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        func step() throws -> String { try container.decode(String.self, forKey: .step) }
        func seconds() throws -> Double { try container.decode(Double.self, forKey: .seconds) }
        let type = try container.decode(String.self, forKey: .type)
        let body: Event.Body =
            switch type {
            case "hello": .hello(try container.decode(Hello.self, forKey: .hello))
            case "plan": .plan(try container.decode([PlannedStep].self, forKey: .steps))
            case "step.started": .stepStarted(step: try step())
            case "step.progress":
                .stepProgress(
                    step: try step(), fraction: try container.decodeIfPresent(Double.self, forKey: .fraction),
                    message: try container.decodeIfPresent(String.self, forKey: .message))
            case "step.output": .stepOutput(step: try step(), line: try container.decode(String.self, forKey: .line))
            case "step.finished":
                .stepFinished(
                    step: try step(), outcome: try container.decode(StepOutcome.self, forKey: .outcome),
                    seconds: try seconds())
            case "step.failed":
                .stepFailed(
                    step: try step(), error: try container.decode(PgafError.self, forKey: .error),
                    seconds: try seconds())
            case "state": .state(try container.decode(FormationState.self, forKey: .state))
            case "heartbeat": .heartbeat(try container.decode(Heartbeat.self, forKey: .heartbeat))
            case "result": .result(try container.decode(RunResult.self, forKey: .result))
            default: .unknown(type: type)
            }
        event = Event(
            run: try container.decode(String.self, forKey: .run), seq: try container.decode(Int.self, forKey: .seq),
            time: try container.decode(String.self, forKey: .time), body: body)
    }
}

extension Event.Body {
    /// The same with free texts cut to `limit` UTF-8 bytes.
    fileprivate func shortened(to limit: Int) -> Event.Body {
        func cut(_ text: String) -> String {
            text.utf8.count <= limit ? text : String(decoding: text.utf8.prefix(limit), as: UTF8.self) + "…"
        }
        // What is left out is counted, so that nobody takes a part for the whole.
        func cut(_ lines: [String]) -> [String] {
            let room = max(1, limit / 512)
            guard lines.count > room else { return lines.map(cut) }
            return lines.prefix(room).map(cut) + ["… and \(lines.count - room) more"]
        }
        func cut(_ error: PgafError) -> PgafError {
            PgafError(
                error.code, cut(error.message), remedy: cut(error.remedy), cause: error.cause.map(cut),
                output: error.output.suffix(max(1, limit / 512)).map(cut))
        }
        switch self {
        case .stepProgress(let step, let fraction, let message):
            return .stepProgress(step: step, fraction: fraction, message: message.map(cut))
        case .stepOutput(let step, let line): return .stepOutput(step: step, line: cut(line))
        case .stepFailed(let step, let error, let seconds):
            return .stepFailed(step: step, error: cut(error), seconds: seconds)
        case .plan(let steps):
            return .plan(
                steps.map { step in
                    var step = step
                    step.changes = cut(step.changes)
                    step.waits = step.waits.map(cut)
                    return step
                })
        case .result(var result):
            result.error = result.error.map(cut)
            result.warnings = result.warnings.prefix(16).map(cut)
            return .result(result)
        case .state(var state):
            state.notes = state.notes.prefix(16).map(cut)
            state.awaited = state.awaited.map { awaited in
                awaited.prefix(16).map {
                    .init(name: $0.name, text: cut($0.text), normally: $0.normally, command: $0.command)
                }
            }
            state.warnings = state.warnings.map { $0.prefix(16).map(cut) }
            return .state(state)
        default: return self
        }
    }
}
