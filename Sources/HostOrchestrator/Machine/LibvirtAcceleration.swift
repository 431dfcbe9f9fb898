import Foundation
import Shared

/// Whether virtual machines here have hardware virtualisation that works.
///
/// The existence of `/dev/kvm` proves nothing: there are machines that have it and on which an ordinary kernel hangs.
/// So a kernel is booted without a disk: it panics at once, and `panic=-1` with `-no-reboot` ends QEMU.
struct LibvirtAcceleration: Sendable {
    let runner: any CommandRunner
    /// Remembers the answer for all projects of this user.
    let memoryFile: String

    /// Kept until the next boot of this machine.
    private struct Memory: Codable {
        var boot: String
        var usable: Bool
    }

    /// What was found since the last boot; nil when it has not been tried.
    var known: Bool? {
        guard let data = FileManager.default.contents(atPath: memoryFile),
            let memory = try? JSONDecoder().decode(Memory.self, from: data), memory.boot == Self.bootIdentity()
        else { return nil }
        return memory.usable
    }

    /// - Parameter kernels: Linux kernels to try, the first that can be read is taken.
    func isUsable(kernels: [String], say: @Sendable (String) async -> Void) async -> Bool {
        if let known { return known }
        guard FileManager.default.fileExists(atPath: "/dev/kvm"),
            let kernel = kernels.first(where: { FileManager.default.isReadableFile(atPath: $0) })
        else { return false }
        await say("trying out hardware virtualisation")
        let open = FileManager.default.isWritableFile(atPath: "/dev/kvm")
        // Not remembered: another terminal, or a later login, may be allowed to try.
        if !open, (try? await runner.run(Elevation.command(Command("true"), isRoot: false)))?.succeeded != true {
            await say("hardware virtualisation cannot be tried: /dev/kvm is not yours (`sudo adduser $USER kvm`)")
            return false
        }
        let probe = open ? Self.probe(kernel: kernel) : Elevation.command(Self.probe(kernel: kernel), isRoot: false)
        let usable = (try? await runner.run(probe))?.succeeded ?? false
        let memory = Memory(boot: Self.bootIdentity(), usable: usable)
        if !Task.isCancelled, let data = try? JSONEncoder().encode(memory) {
            try? data.write(to: URL(fileURLWithPath: memoryFile), options: .atomic)
        }
        return usable
    }

    /// The deadline of 15 s is an estimate: no machine with working hardware virtualisation was at hand.
    static func probe(kernel: String) -> Command {
        Command(
            "qemu-system-x86_64",
            [
                "-accel", "kvm", "-cpu", "host", "-m", "256", "-nodefaults", "-display", "none", "-no-reboot",
                "-kernel", kernel, "-append", "panic=-1",
            ], deadline: .seconds(15))
    }

    private static func bootIdentity() -> String {
        ["/proc/sys/kernel/random/boot_id", "/proc/sys/kernel/osrelease"]
            .map { FileManager.default.contents(atPath: $0).map { String(decoding: $0, as: UTF8.self).trimmed } ?? "" }
            .joined(separator: " ")
    }
}
