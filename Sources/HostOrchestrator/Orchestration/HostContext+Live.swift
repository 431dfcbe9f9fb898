import Dispatch
import Foundation
import Shared

extension HostContext {
    /// The real world: this process's directory, environment and terminal.
    static func live() -> HostContext {
        let environment = ProcessInfo.processInfo.environment
        let project = ProjectDirectory(path: FileManager.default.currentDirectoryPath)
        let executable = AgentBinary.ownExecutable()
        let boxes = BoxBuilder(environment: environment) {
            try AgentBinary.locate(executable: executable, environment: environment)
        }
        return HostContext(
            project: project, environment: environment, terminal: .real, output: DescriptorOutput.standardOutput,
            errorOutput: DescriptorOutput.standardError, executable: executable,
            runner: SubprocessRunner(), isRoot: Elevation.isRoot,
            loadConfiguration: {
                let loaded = try $0.load(in: project, environment: environment)
                OwnEnvironment.withdrawPasswords(of: loaded.configuration)
                return loaded
            },
            machine: { configuration, log in
                // Some verbs go by what they remember, and load nothing.
                OwnEnvironment.withdrawPasswords(of: configuration)
                return try MachineChoice.machine(configuration, project: project, log: log, boxes: boxes)
            },
            answers: answers,
            buildBox: { progress, force in
                let box = try await boxes.build(reporting: progress, force ? .again : .best)
                return BoxBuild.Made(built: box.built, file: box.file, images: box.images)
            },
            confirm: confirm, ask: ask, replaceProcess: ForegroundProcess.replace,
            findProgram: { ForegroundProcess.find($0, path: environment["PATH"] ?? "") })
    }

    /// The same for a verb that only shows something, and so ends when nobody reads any more.
    static func showing() -> HostContext {
        var context = live()
        context.output = DescriptorOutput(descriptor: 1, endsWithItsReader: true)
        return context
    }

    /// One that goes by a name counts as answering: only the client's own resolver knows where it leads.
    private static func answers(_ endpoint: Endpoint) async -> Bool {
        guard let address = IPv4Address(endpoint.address) else { return true }
        // Asking blocks, so not on one of Swift's own threads; an emulated machine takes seconds for a connection.
        return await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                let answer = ServerQuestion.ask(address, endpoint.port, patience: .seconds(30))
                continuation.resume(returning: answer == .answered)
            }
        }
    }

    /// Asks on the terminal; only a whole `yes` or `y` is one.
    private static func confirm(_ question: String) async -> Bool {
        ["y", "yes"].contains(await ask("\(question) [y/N] ").lowercased())
    }

    private static func ask(_ question: String) async -> String {
        DescriptorOutput.standardError.write(question)
        // Reading a line blocks until somebody has typed it, so not on one of Swift's own threads.
        return await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: readLine()?.trimmed ?? "") }
        }
    }
}
