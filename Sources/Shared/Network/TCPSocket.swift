#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A TCP socket of IPv4, closed when the value goes; its functions have names of their own, so that C's are at hand.
package struct TCPSocket: ~Copyable, Sendable {
    private let descriptor: Int32

    /// nil when the system gives none.
    package init?() {
        #if canImport(Glibc)
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        guard descriptor >= 0 else { return nil }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    deinit { close(descriptor) }

    /// Takes the address, also when connections that have ended still keep it from others for a while, as servers do.
    ///
    /// - Parameter port: 0 means any that is free.
    package func take(_ address: IPv4Address, _ port: Int) -> Bool {
        var reuse: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        return withAddress(address, port) {
            bind(descriptor, $0, $1) == 0
        }
    }

    /// Lets others connect, as many as `backlog` without being accepted.
    package func admit(_ backlog: Int32) -> Bool {
        listen(descriptor, backlog) == 0
    }

    package func reach(_ address: IPv4Address, _ port: Int) -> Bool {
        withAddress(address, port) {
            connect(descriptor, $0, $1) == 0
        }
    }

    /// How long `receive` waits.
    package func setPatience(_ patience: Duration) -> Bool {
        let (seconds, attoseconds) = patience.components
        var time = timeval()
        time.tv_sec = numericCast(seconds)
        time.tv_usec = numericCast(attoseconds / 1_000_000_000_000)
        return setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size)) == 0
    }

    /// Sends all of a few bytes; a peer that is gone is no reason for a signal.
    package func send(_ bytes: [UInt8]) -> Bool {
        #if canImport(Darwin)
            var on: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, socklen_t(MemoryLayout<Int32>.size))
            return Darwin.send(descriptor, bytes, bytes.count, 0) == bytes.count
        #elseif canImport(Musl)
            return Musl.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
        #else
            return Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
        #endif
    }

    /// Waits for a byte.
    ///
    /// - Returns: how many came: 1, or 0 when the peer has closed or reset the connection; nil when none came in time.
    package func receive() -> Int? {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, 0)
        if count < 0, errno == EAGAIN || errno == EWOULDBLOCK { return nil }
        return max(0, count)
    }

    /// The port that it has; 0 when it is not bound.
    package var port: Int {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
            return Int(UInt16(bigEndian: pointer.pointee.sin_port))
        }
    }

    /// - Returns: false for a number that is no port.
    private func withAddress(
        _ address: IPv4Address, _ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Bool
    ) -> Bool {
        guard let port = UInt16(exactly: port) else { return false }
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = port.bigEndian
        target.sin_addr.s_addr = address.bits.bigEndian
        return withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
