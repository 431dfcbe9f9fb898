import Shared

extension Connection {
    /// Runs a short command on the machine and keeps what it writes.
    ///
    /// - Parameter limit: bytes of each stream; a plan of 16 nodes has 60 KB.
    /// - Throws: `protocol.violation` for a command that writes more: it may never stop.
    func collect(
        _ arguments: [String], input: Secret? = nil, limit: Int = 1 << 20
    ) async throws -> CommandResult {
        let collector = OutputCollector(limit: limit, command: ShellQuoting.commandLine(arguments))
        let status = try await execute(arguments, input: input) { try await collector.take($0) }
        return await collector.result(status)
    }
}

extension RemoteStatus {
    /// Exit status; 128 + signal number as shells count, where the number is known.
    var number: Int32 {
        switch self {
        case .exited(let status): status
        case .signalled(let signal): 128 + (Int32(signal) ?? ["INT": 2, "KILL": 9, "TERM": 15][signal] ?? 0)
        }
    }
}

private actor OutputCollector {
    private let limit: Int
    private let command: String
    private var output: [UInt8] = []
    private var errors: [UInt8] = []

    init(limit: Int, command: String) {
        self.limit = limit
        self.command = command
    }

    func take(_ chunk: OutputChunk) throws {
        switch chunk {
        case .standardOutput(let bytes): output += bytes
        case .standardError(let bytes): errors += bytes
        }
        guard output.count <= limit, errors.count <= limit else {
            throw PgafError(
                .protocolViolation, "`\(command)` on the machine wrote more than \(limit) bytes.",
                remedy: "Run `pgaf-host up`; it installs the agent that belongs to this program.")
        }
    }

    func result(_ status: RemoteStatus) -> CommandResult {
        CommandResult(
            status: status.number, standardOutput: String(decoding: output, as: UTF8.self),
            standardError: String(decoding: errors, as: UTF8.self))
    }
}
