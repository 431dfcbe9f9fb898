import Shared
import Synchronization

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

    /// A port of the loopback that was free a moment ago; never the same one twice.
    package static func free() -> Int {
        while true {
            let number = ListeningPort().number
            if number == 0 || given.withLock({ $0.insert(number).inserted }) { return number }
        }
    }

    private static let given = Mutex<Set<Int>>([])

    /// Whether something takes connections on this port of the loopback.
    package static func answers(_ port: Int) -> Bool { TCPSocket()?.reach(.loopback, port) ?? false }
}
