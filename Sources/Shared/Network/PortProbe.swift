/// Whether something listens on a TCP port of this machine already.
public enum PortProbe {
    /// Whether a server could listen on that address and port now: binds as it would; the socket is closed at once.
    ///
    /// True when there is no socket to try it with: then whoever wants the port will say what is wrong.
    public static func isFree(_ address: IPv4Address, _ port: Int) -> Bool {
        guard let socket = TCPSocket() else { return true }
        return socket.take(address, port)
    }
}
