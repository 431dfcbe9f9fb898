import Dispatch
import Foundation
import Shared

/// What of this computer a virtual machine would take.
struct HostResources: Sendable {
    /// The disk that box, machine and images take together, in MiB, with room to grow.
    static let neededDisk = 8 * 1024
    /// With less, in MiB, a new machine would not get as far as its first cluster.
    static let leastDisk = 4 * 1024

    /// Whether a port of this computer can be forwarded.
    var isFree: @Sendable (Int) -> Bool = { PortProbe.isFree(.loopback, $0) }
    /// Networks that this computer reaches by its own interfaces; none where the system does not say.
    var routes: @Sendable () -> [Route] = {
        Route.all(inProcNetRoute: ((try? MachineFiles().read("/proc/net/route")) ?? nil) ?? "")
    }
    /// Ranges in which VirtualBox makes host-only networks: its own, or those that the administrator allows.
    ///
    /// Source: VirtualBox's manual, chapter on host-only networking.
    var hostOnlyRanges: @Sendable () -> [IPv4Network] = {
        HostResources.hostOnlyRanges(inNetworksFile: (try? MachineFiles().read("/etc/vbox/networks.conf")) ?? nil)
    }
    /// Whether somebody's SSH server answers at an address.
    var answers: @Sendable (IPv4Address) async -> Bool = { address in
        // Dialling blocks, so not on one of Swift's own threads.
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                let socket = try? TCPDial(host: address.description, port: 22, timeout: .seconds(1)).connect()
                if let socket { close(socket) }
                continuation.resume(returning: socket != nil)
            }
        }
    }
    /// MiB that programs can still have; nil where the system does not say.
    var freeMemory: @Sendable () -> Int? = {
        let text = try? MachineFiles().read("/proc/meminfo")
        let line = text?.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 / 1024 }
    }
    /// MiB that are free on the file system of a directory, or on the one where it would be made.
    var freeDisk: @Sendable (String) -> Int? = { directory in
        var place = URL(fileURLWithPath: directory)
        while !FileManager.default.fileExists(atPath: place.path), place.path != "/" { place.deleteLastPathComponent() }
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: place.path)
        return (attributes?[.systemFreeSize] as? NSNumber).map { Int($0.int64Value >> 20) }
    }

    /// The ranges in the text of `/etc/vbox/networks.conf`, whose lines are `* RANGE …`; without it VirtualBox's own.
    static func hostOnlyRanges(inNetworksFile text: String?) -> [IPv4Network] {
        let lines = (text ?? "* 192.168.56.0/21").split(whereSeparator: \.isNewline).map {
            $0.split(whereSeparator: \.isWhitespace)
        }
        return lines.filter { $0.first == "*" }.flatMap { $0.dropFirst().compactMap { IPv4Network(String($0)) } }
    }

    /// The directory with the least room among those that a machine's disk, its box and its project take, and its MiB.
    func tightest(_ directories: [String]) -> (directory: String, free: Int)? {
        directories.compactMap { directory in freeDisk(directory).map { (directory, $0) } }.min { $0.1 < $1.1 }
    }

    /// - Throws: `disk.full`, before Vagrant has copied half of a machine.
    func requireDisk(_ directories: [String]) throws {
        guard let (directory, free) = tightest(directories), free < Self.leastDisk else { return }
        throw PgafError(
            .diskFull,
            "Only \(free) MiB are free in \(directory); a new virtual machine needs \(Self.leastDisk) to begin with and"
                + " about \(Self.neededDisk) in the end.",
            remedy: "Free disk space (df -h \(directory)), then run the same command again.")
    }
}
