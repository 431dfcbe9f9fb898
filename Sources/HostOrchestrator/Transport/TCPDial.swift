import Foundation
import Shared

/// One attempt to reach a TCP port: every address of the name in turn, each error in words.
///
/// libssh could do this itself, but without blocking it tries the first address only (`localhost` is often `::1` first)
/// and does not say which of name, port and network was wrong.
struct TCPDial {
    var host: String
    var port: Int
    /// For each address.
    var timeout: Duration

    /// - Returns: a connected, non-blocking socket without Nagle's delay (with it, writes ran at 1.1 MB/s).
    /// - Throws: `machine.unreachable`, `CancellationError`.
    func connect() throws -> Int32 {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        #if canImport(Darwin)
            hints.ai_socktype = SOCK_STREAM
        #else
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        let resolved = getaddrinfo(host, String(port), &hints, &list)
        guard resolved == 0, let first = list else {
            throw PgafError(
                .machineUnreachable, "The name \"\(host)\" could not be resolved.",
                remedy: "Correct the host name, or use an address.", cause: String(cString: gai_strerror(resolved)))
        }
        defer { freeaddrinfo(first) }
        var failure = unreachable("has no usable address", cause: nil)
        for address in sequence(first: first, next: { $0.pointee.ai_next }) {
            let socket = Foundation.socket(
                address.pointee.ai_family, address.pointee.ai_socktype, address.pointee.ai_protocol)
            guard socket >= 0 else { continue }
            do {
                try reach(address.pointee, with: socket)
                return socket
            } catch let error as PgafError {
                Foundation.close(socket)
                failure = error
            } catch {
                Foundation.close(socket)
                throw error
            }
        }
        throw failure
    }

    private func reach(_ address: addrinfo, with socket: Int32) throws {
        var on: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        // Not inherited by child processes, or a dead link would look alive to the server.
        _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
        // libssh never expects EAGAIN after poll, and a blocking send to a stopped server would hang the thread.
        _ = fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK)
        guard Foundation.connect(socket, address.ai_addr, address.ai_addrlen) != 0 else { return }
        guard errno == EINPROGRESS else { throw refused(errno) }
        let start = ContinuousClock.now
        while true {
            try Task.checkCancellation()
            var descriptor = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
            if poll(&descriptor, 1, 50) > 0 { break }
            guard ContinuousClock.now - start < timeout else {
                throw unreachable("did not answer within \(timeout.brief)", cause: nil)
            }
        }
        var status: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(socket, SOL_SOCKET, SO_ERROR, &status, &size)
        guard status == 0 else { throw refused(status) }
    }

    private func refused(_ number: Int32) -> PgafError {
        let cause = String(cString: strerror(number))
        return number == ECONNREFUSED
            ? unreachable("refused the connection: nothing listens there", cause: cause)
            : unreachable("could not be reached", cause: cause)
    }

    private func unreachable(_ what: String, cause: String?) -> PgafError {
        PgafError(
            .machineUnreachable, "Port \(port) of \(host) \(what).",
            remedy: "Check that the machine runs, that its SSH server is started, and that address and port are right.",
            cause: cause)
    }
}
