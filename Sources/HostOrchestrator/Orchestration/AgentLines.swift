import Shared

/// Reads what an agent writes as it comes: hands on the lines of standard output and keeps the last ones of its errors.
actor AgentLines {
    private let handOn: @Sendable (String) throws -> Void
    private var lines = LineSplitter(limit: EventCoding.maximumLineLength + 1, breaksAtCarriageReturn: false)
    private var errorLines = LineSplitter()
    private var errors: [String] = []
    /// An agent that ends says why in its last line.
    private var lastLine = ""

    init(handOn: @escaping @Sendable (String) throws -> Void) { self.handOn = handOn }

    /// - Throws: what the reader of a line throws; reading should then end.
    func take(_ chunk: OutputChunk) throws {
        switch chunk {
        case .standardOutput(let bytes):
            for line in lines.append(bytes) {
                lastLine = line
                try handOn(line)
            }
        case .standardError(let bytes): keep(errorLines.append(bytes))
        }
    }

    /// Hands on what was left without a line end. An event or a look that is cut is none, so their readers do without.
    func takeRest() throws {
        if let line = lines.finish() { try handOn(line) }
    }

    /// How the agent ended: its last line of standard output, and the last ones of standard error.
    func end(_ status: RemoteStatus) -> CommandResult {
        if let line = errorLines.finish() { keep([line]) }
        return CommandResult(
            status: status.number, standardOutput: lastLine, standardError: errors.joined(separator: "\n"))
    }

    private func keep(_ lines: [String]) { errors = (errors + lines).suffix(AgentStream.keptErrorLines) }
}
