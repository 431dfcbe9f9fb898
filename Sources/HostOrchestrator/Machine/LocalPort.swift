import Shared

/// Ports of this machine's loopback address.
enum LocalPort {
    /// The wanted port, or the next free one of Vagrant's own range for corrected ports (2200 to 2250), or above it.
    static func choose(
        _ wanted: Int, taken: Set<Int>, isFree: (Int) -> Bool = { PortProbe.isFree(.loopback, $0) }
    ) -> Int {
        let candidates = [wanted] + Array(2200...2250) + Array(20000..<21000)
        return candidates.first { !taken.contains($0) && isFree($0) } ?? wanted
    }
}
