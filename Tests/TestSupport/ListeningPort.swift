import Shared

/// A TCP port that is really listened on, for as long as the value lives; connections are never accepted.
package final class ListeningPort: Sendable {
    /// 0 when there was none to have.
    package let number: Int
    private let socket: TCPSocket?

    package init(on address: IPv4Address = .loopback) {
        guard let socket = TCPSocket(), socket.take(address, 0), socket.admit(5) else {
            self.socket = nil
            number = 0
            return
        }
        number = socket.port
        self.socket = consume socket
    }

    /// A port of the loopback that was free a moment ago.
    package static func free() -> Int { ListeningPort().number }

    /// Whether something takes connections on this port of the loopback.
    package static func answers(_ port: Int) -> Bool { TCPSocket()?.reach(.loopback, port) ?? false }
}
