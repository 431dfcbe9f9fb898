import Foundation
import Shared

/// The ports that vagrant-libvirt forwards: one `ssh -N -L` process each, its id kept in a file by Vagrant.
///
/// `vagrant port` does not exist for libvirt, and a configured port says nothing about whether its process lives.
struct LibvirtForwards: Sendable {
    let runner: any CommandRunner
    let project: ProjectDirectory

    private var processIdFiles: String { VagrantProvider.libvirt.dataDirectory(in: project) + "/pids" }

    /// The forwards as they should be: those that live, and those that are begun again because their process has ended.
    ///
    /// - Parameters:
    ///   - wanted: guest port to host port.
    ///   - config: how the machine is reached; its host key has to be in the project's known hosts.
    /// - Returns: guest port to host port of what lives then.
    func restored(_ wanted: [Int: Int], _ config: VagrantSSHConfig) async throws -> [Int: Int] {
        // A process whose machine was started anew behind Vagrant's back lives on, and ends with the next client that
        // comes: a question of ours is that client.
        let ports = try await live().values.sorted()
        await Self.ask(ports)
        let live = try await live()
        return try await withThrowingTaskGroup(of: (Int, Int)?.self) { group in
            for (guest, host) in wanted where live[guest] == nil {
                group.addTask { try await begin(guest, host, config) ? (guest, host) : nil }
            }
            return try await group.reduce(into: live) { ports, begun in
                if let (guest, host) = begun { ports[guest] = host }
            }
        }
    }

    /// On a thread of its own, since asking blocks.
    private static func ask(_ ports: [Int]) async {
        guard !ports.isEmpty else { return }
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                for port in ports { _ = ServerQuestion.ask(.loopback, port, patience: .seconds(2)) }
                continuation.resume()
            }
        }
    }

    /// Begins one again, and leaves its process id where Vagrant looks for it when the machine is halted.
    ///
    /// - Returns: false where it could not be; clients then take the machine's own address.
    private func begin(_ guest: Int, _ host: Int, _ config: VagrantSSHConfig) async throws -> Bool {
        let command = Self.forward(guest, host, config, knownHosts: project.knownHosts)
        guard try await runner.run(command).succeeded else { return false }
        let processes = try await runner.run(Command("ps", ["-ww", "-eo", "pid=,command="])).standardOutput
        let mark = "-L \(Self.rule(guest, host, config)) "
        guard let line = processes.split(separator: "\n").first(where: { $0.contains(mark) }),
            let id = line.split(separator: " ").first.flatMap({ Int($0) })
        else { return false }
        try MachineFiles().makeDirectory(processIdFiles, mode: 0o755)
        try MachineFiles().write("\(id)", to: "\(processIdFiles)/ssh_\(host).pid", mode: 0o644)
        return true
    }

    private static func rule(_ guest: Int, _ host: Int, _ config: VagrantSSHConfig) -> String {
        "127.0.0.1:\(host):\(config.host):\(guest)"
    }

    /// Goes into the background once the port is taken; ends by itself when the machine is gone.
    static func forward(_ guest: Int, _ host: Int, _ config: VagrantSSHConfig, knownHosts: String) -> Command {
        Command(
            "ssh",
            SSHClientCommand.options(config.parameters(knownHosts: knownHosts)) + [
                "-f", "-N", "-L", rule(guest, host, config), "-o", "BatchMode=yes", "-o", "ControlMaster=no",
                "-o", "ExitOnForwardFailure=yes", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=20", "--",
                config.host,
            ], deadline: .seconds(60))
    }

    /// Guest port to host port of the forwards whose process lives.
    func live() async throws -> [Int: Int] {
        let directory = processIdFiles
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
