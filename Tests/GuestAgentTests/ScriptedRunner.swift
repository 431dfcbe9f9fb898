import Shared
import Synchronization
import Testing

/// Answers command lines from a script, and remembers them; one that the script does not know fails the test by name.
final class ScriptedRunner: CommandRunner {
    typealias Answer = @Sendable (Command) async throws -> CommandResult

    private struct Script: Sendable {
        var answers: [(prefix: [String], answer: Answer)] = []
        var seen: [Command] = []
    }

    private let script = Mutex(Script())

    /// Answers command lines that begin with these words; the latest answer that fits is taken.
    @discardableResult
    func on(_ prefix: String..., answer: @escaping Answer) -> ScriptedRunner {
        script.withLock { $0.answers.append((prefix, answer)) }
        return self
    }

    @discardableResult
    func on(_ prefix: String..., prints output: String = "", status: Int32 = 0, error: String = "") -> ScriptedRunner {
        let result = CommandResult(status: status, standardOutput: output, standardError: error)
        script.withLock { $0.answers.append((prefix, { _ in result })) }
        return self
    }

    /// A program that is not installed.
    @discardableResult
    func lacks(_ program: String) -> ScriptedRunner {
        on(program) { command in
            throw PgafError(
                .commandNotFound, "The program \"\(command.executable)\" could not be started.", remedy: "Install it.")
        }
    }

    var commands: [Command] { script.withLock { $0.seen } }

    /// The command lines as words.
    var lines: [[String]] { commands.map { [$0.executable] + $0.arguments } }

    func saw(_ prefix: String...) -> Bool { lines.contains { $0.starts(with: prefix) } }

    func run(_ command: Command, onLine: (@Sendable (String) async -> Void)?) async throws -> CommandResult {
        let words = [command.executable] + command.arguments
        let answer = script.withLock { script in
            script.seen.append(command)
            return script.answers.last { words.starts(with: $0.prefix) }?.answer
        }
        guard let answer else {
            Issue.record("no answer is scripted for `\(command.display)`")
            throw PgafError(.internalError, "unscripted: \(command.display)", remedy: "Script it.")
        }
        let result = try await answer(command)
        if let onLine {
            for line in result.standardOutput.split(separator: "\n") { await onLine(String(line)) }
        }
        return result
    }
}
