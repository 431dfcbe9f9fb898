/// The question with which a client of PostgreSQL begins: whether the server speaks TLS. Every server answers it with one
/// byte, also one that lets nobody in yet.
///
/// Source: PostgreSQL's documentation of its protocol, SSLRequest.
public enum ServerQuestion {
    public enum Answer: Sendable {
        /// A byte came.
        case answered
        /// The connection was refused, or closed without a byte.
        case closed
        /// Nothing came within the patience.
        case silent
    }

    private static let request: [UInt8] = [0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F]

    /// Asks, and blocks until there is an answer or the patience is over.
    public static func ask(_ address: IPv4Address, _ port: Int, patience: Duration) -> Answer {
        guard let socket = TCPSocket(), socket.setPatience(patience), socket.reach(address, port),
            socket.send(request)
        else { return .closed }
        return switch socket.receive() {
        case nil: .silent
        case 0: .closed
        default: .answered
        }
    }
}
