import Shared

/// A published port that the Docker engine holds for a container that is not there.
///
/// An engine that is killed while it connects a container leaves the connection in its memory on the disk; its successor makes
/// it again, port and all, then removes it as stale and forgets the port. Only another start of the engine frees that (seen
/// with 20.10).
enum LeakedPort {
    /// Whether the engine's own program listens at this port for this address.
    ///
    /// - Parameter address: that of the container in the cluster's network; the caller knows that it does not run.
    static func isHeld(_ port: Int, for address: IPv4Address, _ files: MachineFiles) -> Bool {
        files.processes.contains { process in
            guard files.program(of: process) == "docker-proxy" else { return false }
            let words = files.arguments(of: process)
            return value(of: "-host-port", in: words) == "\(port)"
                && value(of: "-container-ip", in: words) == address.description
        }
    }

    private static func value(of flag: String, in words: [String]) -> String? {
        words.firstIndex(of: flag).flatMap { $0 + 1 < words.count ? words[$0 + 1] : nil }
    }
}
