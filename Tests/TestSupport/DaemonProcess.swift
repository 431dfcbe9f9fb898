import Foundation
import Shared
import Synchronization

/// A child that runs until it is ended.
///
/// Not Foundation's `Process`: that takes a child which closes all descriptors it did not open, as sshd does, for ended,
/// and then waits for it on the one thread that watches all children.
package final class DaemonProcess: Sendable {
    package let pid: pid_t
    private let hasEnded = Mutex(false)

    package init(_ arguments: [String], outputTo output: String = "/dev/null", errorsTo log: String) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        defer { for word in words { free(word) } }
        words.append(nil)
        // Threads of a test run block signals, and a child would begin with TERM blocked as they do.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var child = pid_t()
        let result = posix_spawn(&child, arguments[0], &actions, &attributes, words, environ)
        guard result == 0 else {
            throw PgafError(
                .commandNotFound, "\(arguments[0]) could not be started.", remedy: "Install it.",
                cause: String(cString: strerror(result)))
        }
        pid = child
    }

    /// Waits for its end.
    ///
    /// - Returns: its exit status; 128 + the signal's number when a signal ended it.
    package func wait() -> Int32 {
        hasEnded.withLock { ended in
            ended = true
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            return Self.shellStatus(status)
        }
    }

    private static func shellStatus(_ status: Int32) -> Int32 {
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }

    /// Its exit status as `wait` gives it, or nil while it runs.
    package func statusIfEnded() -> Int32? {
        hasEnded.withLock { ended in
            var status: Int32 = 0
            guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
            ended = true
            return Self.shellStatus(status)
        }
    }

    /// The most memory that it has had in use so far, in KiB; nil once it is gone.
    package var peakMemory: Int? {
        guard let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
        else { return nil }
        return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }

    /// Sends TERM and waits for the end, which sshd's listener does not put off.
    package func end() {
        hasEnded.withLock { ended in
            guard !ended else { return }
            ended = true
            kill(pid, SIGTERM)
            var status: Int32 = 0
            waitpid(pid, &status, 0)
        }
    }
}
