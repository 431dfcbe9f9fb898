import Shared
import Synchronization

/// Programs of a host that pretends: answers by the beginning of the command line, anything else is no program of this
/// machine. Remembers command lines, and what else is told, in order.
final class PretendedTools: CommandRunner {
    private let answers: [String: CommandResult]
    private let kept = Mutex<[String]>([])

    init(_ answers: [String: CommandResult]) { self.answers = answers }

    var seen: [String] { kept.withLock { $0 } }
    func tell(_ what: String) { kept.withLock { $0.append(what) } }

    func run(_ command: Command, onLine: (@Sendable (String) async -> Void)?) async throws -> CommandResult {
        tell(command.display)
        let answer = answers.filter { command.display.hasPrefix($0.key) }.max { $0.key.count < $1.key.count }
        return answer?.value ?? CommandResult(status: 127)
    }
}
