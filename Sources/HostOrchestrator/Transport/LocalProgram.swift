import Foundation
import Shared
import Subprocess
import SystemPackage

/// One child process whose output is handed on as it comes.
struct LocalProgram: Sendable {
    /// Program and arguments.
    var arguments: [String]

    func run(
        input: Secret?, onOutput: @escaping @Sendable (OutputChunk) async throws -> Void
    ) async throws -> RemoteStatus {
        if let input {
            return try await launch {
                try await Subprocess.run($0, input: SpentInput(input), output: .sequence, error: .sequence) {
                    try await relay($0, onOutput)
                }.terminationStatus
            }
        }
        return try await launch {
            try await Subprocess.run($0, input: .none, output: .sequence, error: .sequence) {
                try await relay($0, onOutput)
            }.terminationStatus
        }
    }

    /// - Parameter file: becomes the program's standard input; stays open here.
    func run(
        file: FileDescriptor, onOutput: @escaping @Sendable (OutputChunk) async throws -> Void
    ) async throws -> RemoteStatus {
        try await launch {
            try await Subprocess.run(
                $0, input: .fileDescriptor(file, closeAfterSpawningProcess: false), output: .sequence, error: .sequence
            ) {
                try await relay($0, onOutput)
            }.terminationStatus
        }
    }

    private func launch(
        _ start: (Subprocess.Configuration) async throws -> TerminationStatus
    ) async throws -> RemoteStatus {
        let program = arguments.first ?? ""
        var options = PlatformOptions()
        // A session of its own, so that Ctrl-C in the terminal reaches pgaf alone and it decides what to end.
        options.createSession = true
        options.teardownSequence = Self.end
        let configuration = Subprocess.Configuration(
            executable: program.contains("/") ? .path(FilePath(program)) : .name(program),
            arguments: Arguments(Array(arguments.dropFirst())), platformOptions: options)
        do {
            let status = try await start(configuration)
            try Task.checkCancellation()
            switch status {
            case .exited(let code): return .exited(code)
            case .signaled(let number): return .signalled(Self.signalName(number))
            }
        } catch let error as SubprocessError {
            if Task.isCancelled { throw CancellationError() }
            throw PgafError(
                .commandNotFound, "The program \"\(program)\" could not be started.",
                remedy: "Install it or correct PATH, then run the same command again.",
                cause: String(describing: error))
        }
    }

    /// With all that it has started: what is left would hold the pipes open.
    private static let end: [TeardownStep] = [
        .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(5))
    ]

    /// - Throws: what `onOutput` throws. The program is ended first: nobody reads on, so that it would wait for ever to
    ///   write, and its other stream would never end.
    private func relay<Input: InputProtocol>(
        _ program: Execution<Input, SequenceOutput, SequenceOutput>,
        _ onOutput: @escaping @Sendable (OutputChunk) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for try await buffer in program.standardOutput {
                    try await onOutput(.standardOutput(buffer.withUnsafeBytes { [UInt8]($0) }))
                }
            }
            group.addTask {
                for try await buffer in program.standardError {
                    try await onOutput(.standardError(buffer.withUnsafeBytes { [UInt8]($0) }))
                }
            }
            do {
                // `waitForAll` would tell of the first failure only after the last task.
                for try await _ in group {}
            } catch {
                await program.teardown(using: Self.end)
                throw error
            }
        }
    }

    /// The signal as SSH would name it; numbers differ between Linux and macOS.
    private static func signalName(_ number: Int32) -> String {
        switch number {
        case SIGABRT: "ABRT"
        case SIGALRM: "ALRM"
        case SIGFPE: "FPE"
        case SIGHUP: "HUP"
        case SIGILL: "ILL"
        case SIGINT: "INT"
        case SIGKILL: "KILL"
        case SIGPIPE: "PIPE"
        case SIGQUIT: "QUIT"
        case SIGSEGV: "SEGV"
        case SIGTERM: "TERM"
        default: String(number)
        }
    }
}
