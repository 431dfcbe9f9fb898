import Foundation
import Shared
import TestSupport

/// A port that takes connections and never says a word.
final class SilentListener: Sendable {
    let port: Int
    private let descriptor: Int32

    init() throws {
        port = try freePort()
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(port: port)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard bound == 0, listen(descriptor, 5) == 0 else {
            throw PgafError(.portInUse, "Port \(port) was taken meanwhile.", remedy: "Run the test again.")
        }
    }

    func stop() { close(descriptor) }
}
