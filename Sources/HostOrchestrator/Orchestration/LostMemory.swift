import Shared

/// A directory that does not remember a cluster which its machine has: `.pgaf/` was removed, or another directory made it.
///
/// What the machine knows is taken from there (data, addresses, version, package source). What nobody can read back is set
/// anew: passwords. That is told before it is done.
struct LostMemory: Sendable {
    private let cluster: String
    private let machine: String
    /// Whether anything is missing here; a directory before its first `up` looks the same.
    private let isPossible: Bool
    /// Generated passwords that would be new ones.
    private let passwords: [String]

    /// Looks at the directory, before anything is written there.
    ///
    /// - Throws: `file.failed`, `secret.unavailable`.
    init(_ configuration: Configuration, machine: String, in context: HostContext) throws {
        let store = PasswordStore(project: context.project, environment: context.environment)
        cluster = configuration.cluster
        self.machine = machine
        passwords = try store.forgotten(configuration.passwords).filter {
            // Clients that log in as postgres have no password of their own.
            $0 != "client" || configuration.access.clientUser != "postgres"
        }
        isPossible = try ClusterMemory.load(context.project) == nil || !passwords.isEmpty
    }

    /// What has to be told, a sentence each; empty when nothing is lost, or the machine has no such cluster.
    ///
    /// - Parameters:
    ///   - learned: fingerprints of a host key that this connection has just written down.
    ///   - fresh: whether the cluster is going to be removed anyway.
    func warnings(_ client: AgentClient, learned: [String], fresh: Bool = false) async throws -> [String] {
        guard isPossible, try await isThere(client) else { return [] }
        var sentences = [
            "This directory has no memory of the cluster \"\(cluster)\", which \(machine) has: .pgaf was removed, or another"
                + " directory made it."
        ]
        if !fresh {
            sentences.append(
                "Its data stays, and so do its addresses, PostgreSQL version and package source, which the machine"
                    + " remembers.")
        }
        if !fresh, !passwords.isEmpty {
            sentences.append(
                "Its passwords cannot be read back: `up` sets new ones (\(passwords.joined(separator: ", "))), the old ones"
                    + " are refused then; `pgaf-host uri --show-password` shows the new ones.")
        }
        if let key = learned.first {
            sentences.append(
                "The host key of \(machine) was not known any more and was taken as shown, \(key): compare it with"
                    + " `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` there.")
        }
        return sentences
    }

    /// Whether the agent knows the cluster; a machine that cannot tell is no reason to stop here.
    private func isThere(_ client: AgentClient) async throws -> Bool {
        do {
            _ = try await client.status(cluster: cluster)
            return true
        } catch let error as PgafError {
            // It looks for Docker only after it has found the cluster.
            return error.code == .dockerUnavailable
        }
    }
}

/// The host keys that a project's machine has shown so far.
struct KnownHostKeys: Sendable {
    private let file: String
    private let before: [String]

    init(_ project: ProjectDirectory) throws {
        file = project.knownHosts
        before = try Self.read(file)
    }

    /// Those that were written down since.
    func learned() throws -> [String] { try Self.read(file).filter { !before.contains($0) } }

    private static func read(_ file: String) throws -> [String] {
        HostKeyFingerprint.all(inKnownHosts: try MachineFiles().read(file) ?? "").map(\.fingerprint)
    }
}
