import Foundation
import Shared

/// The ports that vagrant-libvirt forwards: one `ssh -N -L` process each, its id kept in a file by Vagrant.
///
/// `vagrant port` does not exist for libvirt, and a configured port says nothing about whether its process lives.
struct LibvirtForwards: Sendable {
    let runner: any CommandRunner
    let project: ProjectDirectory

    /// Guest port to host port of the forwards whose process lives.
    func live() async throws -> [Int: Int] {
        let directory = VagrantProvider.libvirt.dataDirectory(in: project) + "/pids"
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        let ids = files.filter { $0.hasPrefix("ssh_") && $0.hasSuffix(".pid") }.compactMap { file in
            FileManager.default.contents(atPath: "\(directory)/\(file)")
                .flatMap { Int(String(decoding: $0, as: UTF8.self).trimmed) }
        }
        guard !ids.isEmpty else { return [:] }
        // ps ends with 1 when none of them lives.
        return Self.parse(try await runner.run(Self.processes(ids)).standardOutput)
    }

    static func processes(_ ids: [Int]) -> Command {
        Command("ps", ["-ww", "-o", "command=", "-p", ids.map(String.init).joined(separator: ",")])
    }

    /// Reads `-L 127.0.0.1:5001:192.168.121.153:5001` out of command lines of `ssh`.
    static func parse(_ text: String) -> [Int: Int] {
        var ports: [Int: Int] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ")
            guard words.first?.hasSuffix("ssh") == true || words.first == "sudo",
                let flag = words.firstIndex(of: "-L"), words.indices.contains(flag + 1)
            else { continue }
            let parts = words[flag + 1].split(separator: ":")
            if parts.count >= 3, let guest = Int(parts[parts.count - 1]), let host = Int(parts[parts.count - 3]) {
                ports[guest] = host
            }
        }
        return ports
    }
}
