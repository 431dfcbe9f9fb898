import Foundation
import Shared

/// A machine that exists already and is reached by SSH; pgaf neither makes nor removes it.
public struct SSHMachine: Machine {
    public let parameters: SSHParameters

    /// - Parameters:
    ///   - home: the user's home directory, for `~` and the usual keys.
    ///   - exists: whether there is a file; a parameter for tests.
    /// - Throws: `configuration.invalid` when no host is given.
    public init(
        _ settings: SSHSettings, project: ProjectDirectory, home: String = NSHomeDirectory(),
        exists: (String) -> Bool = { FileManager.default.fileExists(atPath: $0) }
    ) throws {
        guard let host = settings.host, !host.isEmpty else {
            throw PgafError(
                .configurationInvalid, "machine.kind is ssh, but machine.ssh.host is not set.",
                remedy: "Set machine.ssh.host in pgaf.yaml, or give `--set machine.ssh.host=NAME`.")
        }
        parameters = SSHParameters(
            host: host, port: settings.port, user: settings.user,
            identityFiles: Self.identityFiles(settings.identityFiles, project: project, home: home, exists: exists),
            usesAgent: settings.identityFiles.isEmpty, knownHostsFile: project.knownHosts,
            expectedHostKey: settings.hostKey)
    }

    /// The files to try as absolute paths: those given (relative ones from the project directory), or the usual ones.
    static func identityFiles(
        _ given: [String], project: ProjectDirectory, home: String, exists: (String) -> Bool
    ) -> [String] {
        if given.isEmpty {
            return ["id_ed25519", "id_ecdsa", "id_rsa"].map { "\(home)/.ssh/\($0)" }.filter(exists)
        }
        return given.map { LocalPath.absolute($0, in: project.path, home: home) }
    }

    public var description: String { "machine \(parameters.display)" }

    public func outlook() async throws -> MachineOutlook { MachineOutlook(.running) }

    public func bringUp(
        reporting progress: any ProgressSink, rest: (@Sendable () async throws -> Void)?
    ) async throws -> Bool { false }

    public func connect() async throws -> any Connection { try await SSHConnection.open(parameters) }

    public func endpoint(forGuestPort port: Int) async throws -> Endpoint {
        Endpoint(address: parameters.host, port: port)
    }

    public func hosts() async throws -> [String] { [parameters.host] }

    public func interactiveCommand(_ remote: [String], terminal: Bool) async throws -> Command {
        SSHClientCommand.interactive(parameters, remote: remote, terminal: terminal)
    }

    public func destructionSummary() async throws -> [String] { [] }

    public func destroy(reporting progress: any ProgressSink) async throws {}
}
