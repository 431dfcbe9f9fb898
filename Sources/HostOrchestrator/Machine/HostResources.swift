import Foundation
import Shared

/// What of this computer a virtual machine would take.
struct HostResources: Sendable {
    /// The disk that box, machine and images take together, in MiB, with room to grow.
    static let neededDisk = 8 * 1024

    /// Whether a port of this computer can be forwarded.
    var isFree: @Sendable (Int) -> Bool = { PortProbe.isFree(.loopback, $0) }
    /// MiB that programs can still have; nil where the system does not say.
    var freeMemory: @Sendable () -> Int? = {
        let text = try? MachineFiles().read("/proc/meminfo")
        let line = text?.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 / 1024 }
    }
    /// MiB that are free on the file system of a directory.
    var freeDisk: @Sendable (String) -> Int? = { directory in
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: directory)
        return (attributes?[.systemFreeSize] as? NSNumber).map { Int($0.int64Value >> 20) }
    }
}
