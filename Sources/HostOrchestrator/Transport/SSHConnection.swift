import CLibSSH
import Shared

/// A libssh session to one machine, on a thread of its own.
///
/// Several programs may run on it, one after another or side by side. It reads no SSH configuration, keeps to the
/// known_hosts file of its machine, and notices a dead link by asking the server when it has been silent.
public actor SSHConnection: Connection {
    let parameters: SSHParameters
    private let thread: OwnThread
    /// nil once closed.
    private var session: LibSSHSession?

    public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    private init(_ parameters: SSHParameters) {
        self.parameters = parameters
        thread = OwnThread(name: "ssh \(parameters.host)")
    }

    deinit {
        // The session must be freed on its thread, also when the last reference goes away elsewhere.
        let session = session
        thread.finish { session?.free() }
    }

    /// Connects, checks the host key and logs in.
    ///
    /// - Throws: `machine.unreachable` (name, refusal or silence: the message says which), `ssh.host-key-changed`,
    ///   `ssh.login-refused`, `CancellationError`.
    public static func open(_ parameters: SSHParameters) async throws -> SSHConnection {
        let connection = SSHConnection(parameters)
        do {
            try await connection.establish()
        } catch {
            await connection.close()
            throw error
        }
        return connection
    }

    public func close() {
        session?.free()
        session = nil
    }

    private func establish() async throws {
        let socket = try TCPDial(host: parameters.host, port: parameters.port, timeout: parameters.connectTimeout)
            .connect()
        let session = try LibSSHSession(socket: socket, parameters: parameters)
        self.session = session
        try await agreeOnKeys(session)
        try checkHostKey(of: session)
        try await logIn(session)
        try session.startEvents()
    }

    /// The session, if it is open and its link is up.
    ///
    /// - Throws: `ssh.link-lost`.
    func live() throws -> LibSSHSession {
        guard let session, session.isConnected else {
            throw linkLost(session == nil ? "the connection was closed" : session?.lastError)
        }
        return session
    }

    /// Whether this session has not been closed (and so freed) meanwhile; every `await` gives `close` a chance.
    func isOpen(_ session: LibSSHSession) -> Bool { self.session === session }

    public nonisolated func asRoot(_ arguments: [String]) -> [String] {
        Elevation.arguments(arguments, isRoot: parameters.user == "root")
    }

    func linkLost(_ cause: String?) -> PgafError {
        PgafError(
            .linkLost, "The SSH connection to \(parameters.display) was lost.",
            remedy: "Check that the machine runs and the network is up, then run the same command again.",
            cause: cause)
    }

    /// Calls a libssh function until it no longer asks to be called again.
    ///
    /// - Parameters:
    ///   - again: the value that means "not yet": `SSH_AGAIN` or `SSH_AUTH_AGAIN`.
    ///   - deadline: nil means that only the keepalive limits the wait.
    ///   - late: what to throw at the deadline.
    func untilDone(
        _ session: LibSSHSession, again: Int32, deadline: Duration?, late: @autoclosure () -> PgafError,
        _ call: () -> Int32
    ) async throws -> Int32 {
        let start = ContinuousClock.now
        while true {
            guard isOpen(session) else { throw linkLost("the connection was closed") }
            let result = call()
            guard result == again else { return result }
            try Task.checkCancellation()
            if let deadline, ContinuousClock.now - start > deadline { throw late() }
            if deadline == nil, !session.answers() { throw linkLost(session.silence) }
            session.wait(LibSSHSession.patience)
            await Task.yield()
        }
    }
}
