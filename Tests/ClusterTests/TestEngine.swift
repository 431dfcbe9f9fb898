import Foundation
import Shared
import TestSupport
import Testing

/// This machine's Docker engine, stopped, killed and started as people and crashes do it.
struct TestEngine {
    let runner = SubprocessRunner()

    private var hasSystemd: Bool { FileManager.default.fileExists(atPath: "/run/systemd/system") }

    private var process: pid_t? {
        (try? String(contentsOfFile: "/var/run/docker.pid", encoding: .utf8)).flatMap { pid_t($0.trimmed) }
    }

    /// In order, as `systemctl stop` does it: the containers end with it.
    func stop() async throws {
        let process = process
        if hasSystemd { try await checked("systemctl", ["stop", "docker.socket", "docker.service"]) }
        if let process { kill(process, SIGTERM) }
        try await awaitEnd(of: process)
    }

    /// As a crash: the containers go on until an engine takes them over.
    func crash() async throws {
        let process = process
        if let process { kill(process, SIGKILL) }
        try await awaitEnd(of: process)
    }

    /// As a crash in the moment in which a container that is stopped has been connected and does not run yet: held there by
    /// a containerd that stands still.
    func crash(whileStarting container: String, port: Int) async throws {
        let (process, loopback) = (process, try #require(IPv4Address("127.0.0.1")))
        let containerd = try await containerd()
        try await withThrowingTaskGroup(of: Void.self) { group in
            kill(containerd, SIGSTOP)
            defer { kill(containerd, SIGKILL) }
            group.addTask { _ = try await runner.run(Command("docker", ["start", container])) }
            try await Wait(for: "the port of \(container)", upTo: .seconds(60), every: .milliseconds(20), hint: "")
                .until {
                    PortProbe.isFree(loopback, port) ? .notYet("nobody listens there") : .found(())
                }
            if let process { kill(process, SIGKILL) }
            try await group.waitForAll()
        }
        try await awaitEnd(of: process)
    }

    /// As a crash in the moment in which a container's shim is there, and knows of no container yet: it stands still while
    /// the engine and its containerd end.
    func crash(beforeTheShimWorksOf container: String) async throws {
        let process = process
        let id = try await runner.checked(
            Command("docker", ["inspect", "--format", "{{.Id}}", container]), remedy: ""
        ).trimmedOutput
        let containerd = try await containerd()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await runner.run(Command("docker", ["start", container])) }
            let wait = Wait(for: "the shim of \(container)", upTo: .seconds(60), every: .milliseconds(1), hint: "")
            let shim = try await wait.until { Self.shim(of: id).map { .found($0) } ?? .notYet("it is not there") }
            kill(shim, SIGSTOP)
            for one in [containerd, process].compactMap(\.self) { kill(one, SIGKILL) }
            kill(shim, SIGCONT)
            try await group.waitForAll()
        }
        try await awaitEnd(of: process)
    }

    private func containerd() async throws -> pid_t {
        let found = try await runner.checked(Command("pidof", ["containerd"]), remedy: "")
        return try #require(pid_t(found.trimmedOutput))
    }

    /// The shim that serves a container, and not one that only starts or removes it.
    private static func shim(of container: String) -> pid_t? {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap { pid_t($0) }.first { process in
            let line = (try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8)) ?? ""
            let words = line.split(separator: "\0").map(String.init)
            return words.first?.contains("containerd-shim") == true && words.contains(container)
                && !words.contains("start") && !words.contains("delete")
        }
    }

    func start() async throws {
        if hasSystemd {
            try await checked("systemctl", ["start", "docker.service"])
        } else {
            // What a killed engine leaves keeps the next one from starting when another process has its number.
            for file in ["/var/run/docker.pid", "/var/run/docker/containerd/containerd.pid"] {
                try? FileManager.default.removeItem(atPath: file)
            }
            let program = "exec dockerd </dev/null >>/var/log/docker.log 2>&1"
            try await checked("setsid", ["--fork", "sh", "-c", program])
        }
        try await Wait(for: "the Docker engine", upTo: .seconds(120), hint: "").until {
            try await runner.run(Command("docker", ["info"])).succeeded ? .found(()) : .notYet("it does not answer")
        }
    }

    /// Until the process is gone, which answers nobody long before: at its very end it removes its successor's pid file.
    private func awaitEnd(of process: pid_t?) async throws {
        try await Wait(for: "the Docker engine to end", upTo: .seconds(120), hint: "").until {
            () async throws -> Wait.Observation<Void> in
            if let process, FileManager.default.fileExists(atPath: "/proc/\(process)") {
                return .notYet("process \(process) is there")
            }
            let answer = try await runner.run(Command("docker", ["version", "--format", "{{.Server.Version}}"]))
            return answer.succeeded ? .notYet("it answers") : .found(())
        }
    }

    private func checked(_ program: String, _ arguments: [String]) async throws {
        try await runner.checked(Command(program, arguments), remedy: "Look at /var/log/docker.log.")
    }
}
