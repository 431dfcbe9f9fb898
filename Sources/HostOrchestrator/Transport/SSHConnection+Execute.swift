import CLibSSH
import Shared

extension SSHConnection {
    public func execute(
        _ arguments: [String], input: Secret?, onOutput: @escaping @Sendable (OutputChunk) async throws -> Void
    ) async throws -> RemoteStatus {
        var rest: ArraySlice<UInt8>? = input.map { ArraySlice($0.revealed.utf8) }
        return try await run(
            arguments,
            nextInput: {
                defer { rest = nil }
                return rest.map { .bytes($0) } ?? .end
            }, onOutput: onOutput)
    }

    /// What a program is given next on its standard input.
    enum Input {
        case bytes(ArraySlice<UInt8>)
        /// Nothing yet; asked again once the program has written something, or after a moment.
        case later
        case end
    }

    /// Runs a program to its end, feeding it piece by piece and draining both of its outputs all the while.
    ///
    /// - Parameter nextInput: the next piece of standard input, asked for when the one before is sent.
    func run(
        _ arguments: [String], nextInput: () async throws -> Input,
        onOutput: @Sendable (OutputChunk) async throws -> Void
    ) async throws -> RemoteStatus {
        let session = try live()
        guard let channel = LibSSHChannel(session) else { throw linkLost(session.lastError) }
        // A closed connection has freed its channels already.
        defer { if isOpen(session) { channel.free() } }
        let commandLine = ShellQuoting.commandLine(arguments)
        try await open(channel, of: session, running: commandLine)
        do {
            return try await converse(channel, session, nextInput, onOutput)
        } catch {
            if isOpen(session), session.isConnected { channel.terminate() }
            throw error
        }
    }

    private func open(_ channel: LibSSHChannel, of session: LibSSHSession, running commandLine: String) async throws {
        for call in [channel.open, { channel.start(commandLine) }] {
            let result = try await untilDone(
                session, again: SSH_AGAIN, deadline: nil, late: linkLost(nil),
                { isOpen(session) ? call() : SSH_ERROR })
            guard result == SSH_OK else {
                let session = try live()
                throw PgafError(
                    .commandFailed, "The SSH server of \(parameters.display) refused to run a program.",
                    remedy: "Allow more sessions (MaxSessions) and exec requests in its sshd_config.",
                    cause: session.lastError)
            }
        }
    }

    private func converse(
        _ channel: LibSSHChannel, _ session: LibSSHSession, _ nextInput: () async throws -> Input,
        _ onOutput: @Sendable (OutputChunk) async throws -> Void
    ) async throws -> RemoteStatus {
        var pending: ArraySlice<UInt8> = []
        var inputIsOpen = true
        while true {
            try Task.checkCancellation()
            guard isOpen(session) else { throw linkLost("the connection was closed") }

            var moved = false
            let room = inputIsOpen ? channel.writableBytes : 0
            if inputIsOpen, !channel.takesInput {
                inputIsOpen = false
            } else if room > 0 {
                if pending.isEmpty {
                    switch try await nextInput() {
                    case .bytes(let next): pending = next
                    case .later: break
                    case .end:
                        channel.endInput()
                        inputIsOpen = false
                    }
                }
                if !pending.isEmpty {
                    guard let count = channel.write(pending.prefix(min(room, SSHConnection.largestWrite))) else {
                        throw linkLost(session.lastError)
                    }
                    pending.removeFirst(count)
                    moved = count > 0
                }
            }

            session.wait(.zero)
            let (output, error) = collect(from: channel, session)
            if !output.isEmpty { try await onOutput(.standardOutput(output)) }
            if !error.isEmpty { try await onOutput(.standardError(error)) }
            if !output.isEmpty || !error.isEmpty { continue }

            if channel.isFinished {
                guard let status = channel.status else {
                    throw linkLost("the server closed the channel without a status")
                }
                return status
            }
            guard session.isConnected else { throw linkLost(session.lastError) }
            guard session.answers() else { throw linkLost(session.silence) }
            if !moved { session.wait(LibSSHSession.patience) }
            // Others on this thread get their turn: programs running side by side, `close`.
            await Task.yield()
        }
    }

    /// What both streams hold, gathered up to 64 KiB so that fast output is not handed over in tiny pieces.
    private func collect(from channel: LibSSHChannel, _ session: LibSSHSession) -> ([UInt8], [UInt8]) {
        let limit = 64 << 10
        var output: [UInt8] = []
        var error: [UInt8] = []
        while output.count < limit && error.count < limit {
            let before = session.receivedBytes
            output += channel.read(isError: false, limit: limit)
            error += channel.read(isError: true, limit: limit)
            session.wait(.zero)
            if session.receivedBytes == before { break }
        }
        return (output, error)
    }

    /// The largest piece handed to libssh at once; larger ones bring no speed and hold the thread longer.
    static var largestWrite: Int { 256 << 10 }
}
