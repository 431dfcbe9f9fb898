import CLibSSH
import Shared

/// One exec channel: the program's two outputs, its input and its end.
///
/// Like its session it belongs to the connection's thread.
final class LibSSHChannel {
    /// What the server said about the end of the program; filled by libssh's callbacks.
    ///
    /// 0.10 has no other way to a signal's name: `ssh_channel_get_exit_status` gives -1 then.
    private final class Ending {
        var status: RemoteStatus?
        var hasEnded = false
        var isClosed = false
    }

    private let session: LibSSHSession
    private let raw: ssh_channel
    private let ending = Ending()
    private let callbacks = UnsafeMutablePointer<ssh_channel_callbacks_struct>.allocate(capacity: 1)
    private var isFreed = false

    init?(_ session: LibSSHSession) {
        guard let raw = ssh_channel_new(session.raw) else { return nil }
        self.session = session
        self.raw = raw
        var table = ssh_channel_callbacks_struct()
        table.size = MemoryLayout<ssh_channel_callbacks_struct>.size
        table.userdata = Unmanaged.passUnretained(ending).toOpaque()
        table.channel_exit_status_function = { _, _, status, data in
            LibSSHChannel.ending(data)?.status = .exited(status)
        }
        table.channel_exit_signal_function = { _, _, signal, _, _, _, data in
            LibSSHChannel.ending(data)?.status = .signalled(signal.map { String(cString: $0) } ?? "unknown")
        }
        table.channel_eof_function = { _, _, data in LibSSHChannel.ending(data)?.hasEnded = true }
        table.channel_close_function = { _, _, data in LibSSHChannel.ending(data)?.isClosed = true }
        callbacks.initialize(to: table)
        ssh_set_channel_callbacks(raw, callbacks)
    }

    private static func ending(_ data: UnsafeMutableRawPointer?) -> Ending? {
        data.map { Unmanaged<Ending>.fromOpaque($0).takeUnretainedValue() }
    }

    func open() -> Int32 { ssh_channel_open_session(raw) }
    func start(_ commandLine: String) -> Int32 { ssh_channel_request_exec(raw, commandLine) }

    /// Whether the server has said all that it will say about the program; its output may still wait to be read.
    var isFinished: Bool { ending.isClosed || (ending.hasEnded && ending.status != nil) }

    /// How the program ended, once `isFinished`; nil when the server closed the channel without a word about it.
    var status: RemoteStatus? { ending.status }

    /// How much input may be written now: nothing until the socket has taken what was written before.
    ///
    /// Never more than the window: a blocking libssh would wait there for the server to read, and a program that itself
    /// waits for us to read its output would never let it.
    var writableBytes: Int {
        guard !ending.isClosed, !session.hasUnsentBytes else { return 0 }
        return Int(ssh_channel_window_size(raw))
    }

    var takesInput: Bool { !ending.isClosed }

    /// Writes a piece of input.
    ///
    /// - Returns: the number of bytes taken; nil when the link broke.
    func write(_ bytes: ArraySlice<UInt8>) -> Int? {
        let count = bytes.withUnsafeBytes { ssh_channel_write(raw, $0.baseAddress, UInt32($0.count)) }
        return count < 0 ? (ending.isClosed ? bytes.count : nil) : Int(count)
    }

    /// Closes the program's standard input.
    func endInput() { ssh_channel_send_eof(raw) }

    /// All that has arrived of one stream.
    func read(isError: Bool, limit: Int) -> [UInt8] {
        // poll is safe in every state; its pumping is what `wait` has done already.
        let available = Int(ssh_channel_poll(raw, isError ? 1 : 0))
        guard available > 0 else { return [] }
        let size = min(available, limit)
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = max(0, Int(ssh_channel_read_nonblocking(raw, buffer.baseAddress, UInt32(size), isError ? 1 : 0)))
        }
    }

    /// Asks the server to send TERM to the program's process group.
    ///
    /// A courtesy, not a guarantee: OpenSSH ignores it in sessions of root. What always comes is the end of the
    /// program's input and a broken pipe when it writes.
    func terminate() { ssh_channel_request_send_signal(raw, "TERM") }

    /// Closes the channel; the server then ends the program's streams.
    func free() {
        guard !isFreed else { return }
        isFreed = true
        ssh_remove_channel_callbacks(raw, callbacks)
        // The first call may only get as far as the end of input when the socket is busy.
        if ssh_channel_close(raw) == SSH_AGAIN { ssh_channel_close(raw) }
        ssh_channel_free(raw)
    }

    deinit { callbacks.deallocate() }
}
