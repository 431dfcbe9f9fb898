import Foundation
import HostOrchestrator
import Shared

/// A real sshd on loopback with its own configuration, keys and port, as a child of the test.
package final class TestServer: Sendable {
    package let directory: String
    package let port: Int
    private let daemon: DaemonProcess

    /// Runs the body with a server and ends it with all its sessions afterwards.
    ///
    /// - Parameter forcing: a shell script that is run in place of whatever a client asks for; `$SSH_ORIGINAL_COMMAND` is
    ///   what it asked for, `$directory` that of the server.
    package static func run(forcing: String? = nil, _ body: (TestServer) async throws -> Void) async throws {
        let server = try await TestServer(forcing: forcing)
        do {
            try await body(server)
        } catch {
            server.stop()
            throw error
        }
        server.stop()
    }

    private init(forcing script: String?) async throws {
        guard FileManager.default.isExecutableFile(atPath: "/usr/sbin/sshd") else {
            throw PgafError(
                .commandNotFound, "/usr/sbin/sshd is missing, and these tests prove nothing without it.",
                remedy: "apt-get install openssh-server")
        }
        directory = try scratchDirectory()
        port = ListeningPort.free()
        for key in ["host", "user", "stranger"] { try await Self.makeKey(key, in: directory) }
        try FileManager.default.copyItem(atPath: "\(directory)/user.pub", toPath: "\(directory)/authorized_keys")
        var configuration = """
            Port \(port)
            ListenAddress 127.0.0.1
            HostKey \(directory)/host
            AuthorizedKeysFile \(directory)/authorized_keys
            PermitRootLogin yes
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            UsePAM no
            StrictModes no
            PidFile none

            """
        if let script {
            // So that its log tells of each client's requests.
            configuration += "LogLevel DEBUG1\nForceCommand /bin/sh \(directory)/forced\n"
            try "directory=\(directory)\n\(script)".write(
                toFile: "\(directory)/forced", atomically: true, encoding: .utf8)
        }
        try configuration.write(toFile: "\(directory)/sshd_config", atomically: true, encoding: .utf8)
        // Where sshd leaves its privileges; the service's own start script makes it.
        if geteuid() == 0 {
            try FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
        }
        daemon = try Self.startDaemon(in: directory)
        try await waitUntilItListens()
    }

    private static func startDaemon(in directory: String) throws -> DaemonProcess {
        try DaemonProcess(
            ["/usr/sbin/sshd", "-D", "-e", "-f", "\(directory)/sshd_config"], errorsTo: "\(directory)/log")
    }

    private static func makeKey(_ name: String, in directory: String) async throws {
        try await SubprocessRunner().checked(
            Command("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", "\(directory)/\(name)"]),
            remedy: "apt-get install openssh-client")
    }

    /// Restarts as an impostor would look: same port, another host key.
    package func replaceHostKey() async throws -> TestServer { try await TestServer(impostorOf: self) }

    private init(impostorOf other: TestServer) async throws {
        other.daemon.end()
        directory = other.directory
        port = other.port
        for file in ["host", "host.pub"] { try FileManager.default.removeItem(atPath: "\(directory)/\(file)") }
        try await Self.makeKey("host", in: directory)
        daemon = try Self.startDaemon(in: directory)
        try await waitUntilItListens()
    }

    private func waitUntilItListens() async throws {
        let log = "\(directory)/log"
        _ = try await Wait(
            for: "sshd on port \(port)", upTo: .seconds(10), every: .milliseconds(20), hint: "Look at \(log)."
        ).until { () -> Wait.Observation<Bool> in
            ListeningPort.answers(port)
                ? .found(true) : .notYet((try? String(contentsOfFile: log, encoding: .utf8)) ?? "no log")
        }
    }

    /// How to log in; every test gets its own known_hosts.
    package func parameters(key: String = "user") -> SSHParameters {
        SSHParameters(
            host: "127.0.0.1", port: port, user: NSUserName(), identityFiles: ["\(directory)/\(key)"],
            knownHostsFile: "\(directory)/state/known_hosts", connectTimeout: .seconds(10))
    }

    package func connect() async throws -> SSHConnection { try await SSHConnection.open(parameters()) }

    /// What the server has told of its clients so far.
    package var log: String { (try? String(contentsOfFile: "\(directory)/log", encoding: .utf8)) ?? "" }

    /// The processes that serve connections (not the listener), and what they run.
    package func descendants() -> [Int32] {
        var found: [Int32] = []
        var parents: Set<Int32> = [daemon.pid]
        while !parents.isEmpty {
            let children = childProcesses(of: parents)
            found += children
            parents = Set(children)
        }
        return found
    }

    /// The sshd processes that serve connections.
    package func sessions() -> [Int32] {
        descendants().filter {
            (try? String(contentsOfFile: "/proc/\($0)/comm", encoding: .utf8))?.hasPrefix("sshd") == true
        }
    }

    package func stop() {
        for pid in descendants() { kill(pid, SIGKILL) }
        daemon.end()
        try? FileManager.default.removeItem(atPath: directory)
    }
}
