import Shared

/// The host's whole view of a machine: run a command there, put a file there.
///
/// Two real implementations: `SSHConnection` (libssh) and `LocalConnection` (a child process); tests bring their own.
public protocol Connection: Sendable {
    /// Runs a program on the machine to its end; nothing is kept, output goes to `onOutput` as it comes.
    ///
    /// - Parameters:
    ///   - arguments: the argument array; quoted for the remote shell by `ShellQuoting` where there is one.
    ///   - input: bytes for standard input, which is closed after them.
    ///   - onOutput: awaited for each chunk, so that a slow reader slows the sender instead of filling the memory.
    /// A cancelled task stops waiting at once (250 ms at most). The program there loses its input and outputs and is sent
    /// TERM, but SSH cannot force it to end: OpenSSH ignores signals for root's sessions.
    /// - Throws: `ssh.link-lost` when the connection breaks before the end, `CancellationError`.
    func execute(
        _ arguments: [String], input: Secret?, onOutput: @escaping @Sendable (OutputChunk) async throws -> Void
    ) async throws -> RemoteStatus

    /// Puts a file on the machine atomically, skipped when the SHA-256 there is already right.
    ///
    /// - Parameters:
    ///   - path: a file on this machine.
    ///   - destination: absolute path there; directories above it are made.
    ///   - mode: permission bits, for example 0o755.
    ///   - privileged: whether to write through `sudo -n`.
    /// - Returns: whether the file had to be sent.
    /// - Throws: `ssh.upload-failed`, `disk.full`, `agent.no-root`, `file.failed`, `ssh.link-lost`.
    @discardableResult
    func upload(
        _ path: String, to destination: String, mode: Int, privileged: Bool,
        onProgress: (@Sendable (Double) async -> Void)?
    ) async throws -> Bool

    /// The arguments with `sudo -n` in front, unless the connection's user is root already (who may have no sudo).
    func asRoot(_ arguments: [String]) -> [String]

    func close() async
}

extension Connection {
    public func asRoot(_ arguments: [String]) -> [String] { Elevation.arguments(arguments, isRoot: false) }
}

/// A piece of what a remote program wrote.
public enum OutputChunk: Sendable, Equatable {
    case standardOutput([UInt8])
    case standardError([UInt8])

    /// What was written, to either.
    var bytes: [UInt8] {
        switch self {
        case .standardOutput(let bytes), .standardError(let bytes): bytes
        }
    }
}

/// How a remote program ended.
public enum RemoteStatus: Sendable, Equatable {
    case exited(Int32)
    /// The signal's name as SSH gives it (`KILL`), or its number.
    case signalled(String)
}
