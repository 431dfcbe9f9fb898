import Shared
import Synchronization

/// Gathers a program's outputs as text, bounded: the start of standard output, the end of standard error.
final class OutputGathering: Sendable {
    private struct State {
        var output: [UInt8] = []
        var error: [UInt8] = []
    }

    private let state = Mutex(State())
    private let limit = 64 << 10

    func take(_ chunk: OutputChunk) {
        state.withLock { state in
            switch chunk {
            case .standardOutput(let bytes): state.output += bytes.prefix(limit - state.output.count)
            case .standardError(let bytes):
                state.error += bytes
                if state.error.count > limit { state.error.removeFirst(state.error.count - limit) }
            }
        }
    }

    var standardOutput: String { state.withLock { String(decoding: $0.output, as: UTF8.self) } }

    /// The last lines of standard error.
    var lastLines: [String] {
        state.withLock { String(decoding: $0.error, as: UTF8.self) }
            .split(whereSeparator: \.isNewline).suffix(12).map(String.init)
    }
}
