import Synchronization
import TestSupport
import Testing

@testable import HostOrchestrator
@testable import Shared

/// A computer on which no program is expected to run.
private struct NoPrograms: CommandRunner {
    func run(_ command: Command, onLine: (@Sendable (String) async -> Void)?) async throws -> CommandResult {
        Issue.record("unexpected: \(command.display)")
        throw PgafError(.commandNotFound, "unexpected: \(command.display)", remedy: "Script it.")
    }
}

/// Everything that a verb wrote.
final class TextRecord: TextOutput {
    private let kept = Mutex("")

    func write(_ text: String) { kept.withLock { $0 += text } }
    var text: String { kept.withLock { $0 } }
    var lines: [String] { text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }
}

/// A host around a scratch directory and a scripted machine; effects that a test did not ask for fail.
struct TestHost {
    let scratch = ScratchDirectory()
    let output = TextRecord()
    let errors = TextRecord()
    let questions = TextRecord()
    let machine: ScriptedMachine
    var configuration = Configuration()
    var environment = ["PGAF_AGENT": "/bin/sh", "PATH": ""]
    var answer: Bool?
    /// Programs of this computer.
    var runner: any CommandRunner = NoPrograms()
    var programs: [String: String] = [:]
    /// Ports of this host at which nobody answers.
    var silentPorts: Set<Int> = []
    /// What is typed before Enter when a line is asked for; nil where there is no terminal.
    var line: String?

    init(_ machine: ScriptedMachine) { self.machine = machine }

    func context(replacing: TextRecord? = nil) -> HostContext {
        let (machine, configuration, answer, questions, programs, line, silentPorts) = (
            machine, configuration, answer, questions, programs, line, silentPorts
        )
        var terminal = Terminal.absent
        terminal.inputIsTerminal = answer != nil || line != nil
        terminal.errorIsTerminal = line != nil
        return HostContext(
            project: scratch.project, environment: environment, terminal: terminal, output: output,
            errorOutput: errors, executable: "/nowhere/pgaf-host",
            runner: runner, isRoot: true,
            loadConfiguration: { _ in
                LoadedConfiguration(configuration: configuration, origins: [:], warnings: [])
            },
            machine: { configuration, _ in
                machine.meant.withLock { $0.append(configuration) }
                return machine
            },
            answers: { !silentPorts.contains($0.port) },
            buildBox: { progress, force in
                await progress.report(.stepOutput(step: "machine", line: "I: retrieving packages"))
                return BoxBuild.Made(built: force, file: "/cache/a.box", images: force)
            },
            confirm: { question in
                questions.write(question)
                return answer ?? false
            },
            ask: { question in
                questions.write(question)
                return line ?? ""
            },
            replaceProcess: { command in
                guard let replacing else {
                    throw PgafError(.internalError, "unexpected: \(command.display)", remedy: "")
                }
                let environment = command.environment.map { "\($0.key)=\($0.value) " }.joined()
                replacing.write(environment + command.display)
            },
            findProgram: { programs[$0] })
    }

    /// Runs `up` and gives back the exit status that it would end with.
    func up(_ options: Up.Options = Up.Options(progress: .plain)) async throws -> Int32 {
        do {
            try await Up.run(options, in: context())
            return 0
        } catch let failure as ReportedFailure {
            return failure.exitCode
        }
    }

    /// The events of the only run.
    func events() throws -> [Event] {
        let run = try #require(MachineFiles().list(scratch.project.runs).last)
        return try scratch.text("\(scratch.project.run(run))/events.jsonl").split(separator: "\n")
            .map { try EventCoding.decode(String($0)) }
    }
}
