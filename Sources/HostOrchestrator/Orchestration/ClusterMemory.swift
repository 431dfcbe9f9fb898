import Shared

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What later verbs must know of the cluster that the last `up` made in this directory: `.pgaf/cluster.json`.
///
/// It is the whole effective configuration, flags and environment included, since `status` or `uri` must speak of the
/// cluster that is there, not of a file edited since. Without passwords: a configuration only refers to them.
struct ClusterMemory: Sendable, Codable, Equatable {
    var cluster: String
    var machine: MachineSettings.Kind
    var configuration: Configuration

    init(_ configuration: Configuration) {
        cluster = configuration.cluster
        machine = configuration.machine.kind
        self.configuration = configuration
    }

    /// What is remembered, or nil when no `up` got as far as a machine here.
    ///
    /// - Throws: `file.failed` when the file is there but cannot be understood.
    static func load(_ project: ProjectDirectory) throws -> ClusterMemory? {
        guard let bytes = try MachineFiles().bytes(of: project.memory) else { return nil }
        do {
            return try JSONDecoder().decode(ClusterMemory.self, from: Data(bytes))
        } catch {
            throw PgafError(
                .fileFailed, "\(project.memory) cannot be understood.",
                remedy: "Remove it and run `pgaf-host up` with the configuration of the cluster; nothing is lost.",
                cause: "written by another release, or damaged")
        }
    }

    func save(in project: ProjectDirectory) throws {
        try MachineFiles().write(try JSONText.indented(self) + "\n", to: project.memory)
    }

    /// - Throws: `file.failed` for what could not be removed.
    static func forget(in project: ProjectDirectory) throws {
        for path in [
            project.memory, project.secrets, project.knownHosts, project.passwordFile, project.certificateAuthority,
        ] {
            try MachineFiles().remove(path)
        }
    }

    /// Refuses a configuration that would leave this cluster behind and make a second one in the same directory.
    ///
    /// - Throws: `configuration.conflict`.
    func check(_ wanted: Configuration) throws {
        var differences: [String] = []
        if wanted.machine.kind != machine {
            differences.append("machine `\(machine.rawValue)`, not `\(wanted.machine.kind.rawValue)`")
        }
        if wanted.cluster != cluster { differences.append("name `\(cluster)`, not `\(wanted.cluster)`") }
        if wanted.machine.kind == .ssh, machine == .ssh,
            wanted.machine.ssh.host != configuration.machine.ssh.host
        {
            let known = configuration.machine.ssh.host ?? "none"
            differences.append("host `\(known)`, not `\(wanted.machine.ssh.host ?? "none")`")
        }
        guard !differences.isEmpty else { return }
        let moved =
            wanted.machine.kind == .ssh && machine == .ssh && wanted.cluster == cluster
            ? " Where the same machine has got another address: remove .pgaf/cluster.json, which holds no password, and run"
                + " the same command again." : ""
        throw PgafError(
            .configurationConflict,
            "The cluster of this directory has another identity: \(differences.joined(separator: "; ")).",
            remedy: "Repeat the flags of the first `up` (`--machine \(machine.rawValue)`) or put them into pgaf.yaml; "
                + "for another cluster use another directory, or `pgaf-host destroy` this one first.\(moved)")
    }
}
