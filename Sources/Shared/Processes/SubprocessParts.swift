import Subprocess
import SystemPackage

extension Subprocess.Configuration {
    /// The command as pgaf starts it: no shell, and a session of its own, so that Ctrl-C in the terminal reaches pgaf
    /// alone and it decides what to end.
    init(_ command: Command) {
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(5))]
        let changes = Dictionary(
            uniqueKeysWithValues: command.environment.map {
                (Environment.Key(stringLiteral: $0.key), Optional($0.value))
            })
        self.init(
            executable: command.executable.contains("/")
                ? .path(FilePath(command.executable)) : .name(command.executable),
            arguments: Arguments(command.arguments), environment: .inherit.updating(changes),
            workingDirectory: command.workingDirectory.map { FilePath($0) }, platformOptions: options)
    }
}

extension TerminationStatus {
    /// As shells count: 128 + the signal's number when a signal ended the program.
    var shellStatus: Int32 {
        switch self {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        }
    }
}

extension PgafError {
    static func notStarted(_ command: Command, _ cause: any Error) -> PgafError {
        PgafError(
            .commandNotFound, "The program \"\(command.executable)\" could not be started.",
            remedy: "Install it or correct PATH, then run the same command again.", cause: String(describing: cause))
    }
}

/// Reads one stream of a program to its end and keeps the last bytes of it.
struct StreamDrain {
    /// Bytes kept; what is older is dropped.
    let limit: Int

    func text(
        _ stream: SubprocessOutputSequence, onLine: (@Sendable (String) async -> Void)? = nil
    ) async throws -> String {
        var kept: [UInt8] = []
        var splitter = LineSplitter()
        for try await buffer in stream {
            buffer.withUnsafeBytes { kept.append(contentsOf: $0) }
            if kept.count > 2 * limit { kept.removeFirst(kept.count - limit) }
            guard let onLine else { continue }
            let lines = buffer.withUnsafeBytes { splitter.append($0) }
            for line in lines { await onLine(line) }
        }
        if let onLine, let last = splitter.finish() { await onLine(last) }
        if kept.count > limit { kept.removeFirst(kept.count - limit) }
        return String(decoding: kept, as: UTF8.self)
    }
}
