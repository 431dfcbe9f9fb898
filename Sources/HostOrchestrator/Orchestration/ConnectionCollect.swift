import Shared

extension Connection {
    /// Runs a short command on the machine and keeps what it writes, at most `limit` bytes of each stream.
    func collect(
        _ arguments: [String], input: Secret? = nil, limit: Int = 4 << 20
    ) async throws -> CommandResult {
        let collector = OutputCollector(limit: limit)
        let status = try await execute(arguments, input: input) { await collector.take($0) }
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
    private var output: [UInt8] = []
    private var errors: [UInt8] = []

    init(limit: Int) { self.limit = limit }

    func take(_ chunk: OutputChunk) {
        switch chunk {
        case .standardOutput(let bytes): output += bytes.prefix(limit - output.count)
        case .standardError(let bytes): errors += bytes.prefix(limit - errors.count)
        }
    }

    func result(_ status: RemoteStatus) -> CommandResult {
        CommandResult(
            status: status.number, standardOutput: String(decoding: output, as: UTF8.self),
            standardError: String(decoding: errors, as: UTF8.self))
    }
}
