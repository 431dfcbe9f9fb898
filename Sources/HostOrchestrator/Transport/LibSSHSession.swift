import CLibSSH
import Foundation
import Shared

/// Owner of one `ssh_session` and its event loop; a plain wrapper without policy.
///
/// The session is non-blocking: every wait is in `wait`, is short, and so can be given up.
/// `@unchecked Sendable`: made and used on its connection's thread only, to which the last reference hands it for freeing.
final class LibSSHSession: @unchecked Sendable {
    /// The longest single wait in `poll`: how late a cancellation can be noticed.
    static let patience = Duration.milliseconds(50)

    let raw: ssh_session
    private let keepaliveInterval: Duration
    private let keepaliveTimeout: Duration
    private var event: ssh_event?
    /// Bytes on the socket, counted by libssh: the only sign of life that every answer leaves.
    private let counter = UnsafeMutablePointer<ssh_counter_struct>.allocate(capacity: 1)
    private var heardBytes: UInt64 = 0
    private var heardAt = ContinuousClock.now
    private var askedAt: ContinuousClock.Instant?
    private var isFreed = false
    private let socket: Int32
    /// Whether libssh knows the socket.
    private(set) var isAdopted = false
    /// The socket's inode, to know it again under its number.
    private let identity: UInt64

    /// - Parameter socket: a connected, non-blocking TCP socket; owned from now on.
    init(socket: Int32, parameters: SSHParameters) throws {
        self.socket = socket
        identity = Self.inode(of: socket)
        guard let raw = ssh_new() else {
            close(socket)
            throw PgafError(
                .internalError, "libssh could not make a session.", remedy: "Free some memory, then run it again.")
        }
        self.raw = raw
        keepaliveInterval = parameters.keepaliveInterval
        keepaliveTimeout = parameters.keepaliveTimeout
        counter.initialize(to: ssh_counter_struct())
        do {
            try configure(parameters)
        } catch {
            free()
            throw error
        }
        var socket = socket
        ssh_options_set(raw, SSH_OPTIONS_FD, &socket)
        ssh_set_counters(raw, counter, nil)
        ssh_set_blocking(raw, 0)
    }

    /// Sets the options; their pointer types are libssh's own: int, unsigned int and long are not interchangeable.
    private func configure(_ parameters: SSHParameters) throws {
        var no: Int32 = 0
        var yes: Int32 = 1
        var port = UInt32(clamping: parameters.port)
        // First of all: otherwise ~/.ssh/config is read, and its StrictHostKeyChecking can wave an impostor through.
        try set(SSH_OPTIONS_PROCESS_CONFIG, &no, "SSH_OPTIONS_PROCESS_CONFIG")
        try set(SSH_OPTIONS_STRICTHOSTKEYCHECK, &yes, "SSH_OPTIONS_STRICTHOSTKEYCHECK")
        try set(SSH_OPTIONS_NODELAY, &yes, "SSH_OPTIONS_NODELAY")
        // libssh begins with ChaCha20. With AES instructions in the processor, GCM halved the processor time of OpenSSH's
        // client for 128 MiB (0.44 to 0.22 s) and took ours from 0.66 to 0.47 s.
        for option in [SSH_OPTIONS_CIPHERS_C_S, SSH_OPTIONS_CIPHERS_S_C] {
            try set(option, Self.ciphers, "the ciphers \(Self.ciphers)")
        }
        try set(SSH_OPTIONS_PORT, &port, "the port \(parameters.port)")
        try set(SSH_OPTIONS_HOST, parameters.host, "the host \"\(parameters.host)\"")
        try set(SSH_OPTIONS_USER, parameters.user, "the user \"\(parameters.user)\"")
        try set(SSH_OPTIONS_KNOWNHOSTS, escaped(parameters.knownHostsFile), "the file \(parameters.knownHostsFile)")
        // The machine's own file is the only authority, not /etc/ssh/ssh_known_hosts.
        try set(SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null", "SSH_OPTIONS_GLOBAL_KNOWNHOSTS")
    }

    /// In order of preference: the ones that authenticate by themselves first, then what older servers have.
    private static let ciphers =
        "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr"

    /// libssh expands `%h` and its like in paths.
    private func escaped(_ path: String) -> String {
        path.replacingScalar("%", with: "%%")
    }

    private func set(_ option: ssh_options_e, _ value: UnsafeRawPointer, _ what: String) throws {
        guard ssh_options_set(raw, option, value) == SSH_OK else {
            throw PgafError(
                .configurationInvalid, "libssh does not accept \(what).",
                remedy: "Correct it in pgaf.yaml under machine.ssh.", cause: lastError)
        }
    }

    /// Exchanges versions and keys; to be called until it no longer gives `SSH_AGAIN`.
    func connect() -> Int32 {
        isAdopted = true
        return ssh_connect(raw)
    }

    /// Begins to wait through libssh's own event loop, which also sends what is left to send.
    func startEvents() throws {
        event = ssh_event_new()
        guard let event, ssh_event_add_session(event, raw) == SSH_OK else {
            throw PgafError(
                .internalError, "libssh could not make an event loop.", remedy: "Run the same command again.",
                cause: lastError)
        }
    }

    var isConnected: Bool { !isFreed && ssh_is_connected(raw) != 0 }

    /// libssh's words about the last failure of this session.
    var lastError: String {
        guard !isFreed, let text = ssh_get_error(UnsafeMutableRawPointer(raw)) else { return "" }
        return String(cString: text)
    }

    var receivedBytes: UInt64 { counter.pointee.in_bytes }

    /// Whether bytes wait for the socket to take them.
    var hasUnsentBytes: Bool { ssh_get_poll_flags(raw) & SSH_WRITE_PENDING != 0 }

    /// Handles what comes in and goes out, waiting at most so long for the first of it.
    func wait(_ limit: Duration) {
        let milliseconds = Int32(limit.inSeconds * 1000)
        if let event {
            _ = ssh_event_dopoll(event, milliseconds)
        } else {
            let events = POLLIN | (hasUnsentBytes ? POLLOUT : 0)
            var descriptor = pollfd(fd: ssh_get_fd(raw), events: Int16(events), revents: 0)
            _ = poll(&descriptor, 1, milliseconds)
        }
    }

    /// Asks the server for a sign of life when it has been silent; false when it did not answer in time.
    ///
    /// To be called right after `wait`, so that an answer that has arrived is seen.
    func answers() -> Bool {
        let now = ContinuousClock.now
        if receivedBytes != heardBytes {
            heardBytes = receivedBytes
            heardAt = now
            askedAt = nil
        }
        if let askedAt { return now - askedAt < keepaliveTimeout }
        if now - heardAt >= keepaliveInterval {
            // Twice: the first call may only collect the answer to the question before and send nothing.
            ssh_send_keepalive(raw)
            ssh_send_keepalive(raw)
            askedAt = now
        }
        return true
    }

    var silence: String {
        "the server has not answered for \((ContinuousClock.now - heardAt).brief), keepalive included"
    }

    /// Says goodbye and frees everything, channels included.
    func free() {
        guard !isFreed else { return }
        isFreed = true
        if let event {
            ssh_event_remove_session(event, raw)
            ssh_event_free(event)
        }
        ssh_set_counters(raw, nil, nil)
        // 0.10 closes a socket that it was given when the link breaks, but not on `ssh_disconnect`, and never one that it
        // did not come to use: closing it blindly could hit another file that has got its number since.
        let wasClosed = isAdopted && ssh_get_fd(raw) < 0
        ssh_disconnect(raw)
        ssh_free(raw)
        counter.deallocate()
        if !wasClosed, Self.inode(of: socket) == identity { close(socket) }
    }

    private static func inode(of descriptor: Int32) -> UInt64 {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? UInt64(status.st_ino) : .max
    }
}
