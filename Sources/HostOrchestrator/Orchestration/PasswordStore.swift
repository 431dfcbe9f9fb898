import Shared

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The cluster's passwords: generated ones kept in `.pgaf/secrets.json` (mode 0600), others fetched each time.
struct PasswordStore: Sendable {
    let project: ProjectDirectory
    let environment: [String: String]

    /// One password of each kind, from where the configuration says.
    ///
    /// - Parameter creating: whether a missing generated password is made and kept (`up`), or is an error (all others).
    /// - Throws: `secret.unavailable`; no error ever carries a value.
    func resolve(_ settings: PasswordSettings, creating: Bool) throws -> ClusterSecrets {
        var kept = try stored()
        let before = kept
        func one(_ name: String, _ source: PasswordSource) throws -> Secret {
            switch source {
            case .environment(let variable): return try fromEnvironment(variable, name)
            case .file(let path): return try fromFile(path, name)
            case .generate:
                if let known = kept[name] { return Secret(known) }
                guard creating else {
                    throw PgafError(
                        .secretUnavailable, "The \(name) password is not in \(project.secrets).",
                        remedy: "Run `pgaf-host up` in the directory where the cluster was made.")
                }
                let fresh = Secret.generate()
                kept[name] = fresh.revealed
                return fresh
            }
        }
        let secrets = ClusterSecrets(
            superuser: try one("superuser", settings.superuser), monitor: try one("monitor", settings.monitor),
            replication: try one("replication", settings.replication), client: try one("client", settings.client))
        if kept != before { try store(kept) }
        return secrets
    }

    private func stored() throws -> [String: String] {
        guard let bytes = try MachineFiles().bytes(of: project.secrets) else { return [:] }
        guard let kept = try? JSONDecoder().decode([String: String].self, from: Data(bytes)) else {
            throw PgafError(
                .secretUnavailable, "The password store \(project.secrets) is damaged (\(bytes.count) bytes).",
                remedy: "Restore it from a backup; a new cluster is made by removing it and `pgaf-host up --fresh`.")
        }
        return kept
    }

    private func store(_ kept: [String: String]) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        try MachineFiles().write(try encoder.encode(kept), to: project.secrets)
    }

    private func fromEnvironment(_ variable: String, _ name: String) throws -> Secret {
        guard let value = environment[variable] else {
            throw PgafError(
                .secretUnavailable, "The \(name) password should come from $\(variable), which is not set.",
                remedy: "Set it for this command, or write `passwords.\(name): generate`.")
        }
        return try usable(value, "$\(variable)", name)
    }

    private func fromFile(_ path: String, _ name: String) throws -> Secret {
        let full = LocalPath.absolute(path, in: project.path, home: environment["HOME"])
        let bytes: [UInt8]?
        do {
            bytes = try MachineFiles().bytes(of: full, limit: 64 << 10)
        } catch let error as PgafError {
            throw unreadable(full, name, cause: error.cause ?? error.message)
        }
        guard let bytes else { throw unreadable(full, name, cause: "there is no such file") }
        // Editors end a file with a line end, which nobody means to be part of the password.
        return try usable(String(String(decoding: bytes, as: UTF8.self).prefix { !$0.isNewline }), full, name)
    }

    private func unreadable(_ path: String, _ name: String, cause: String) -> PgafError {
        PgafError(
            .secretUnavailable, "The \(name) password should come from \(path), which cannot be read.",
            remedy: "Write the password into that file, mode 0600, or write `passwords.\(name): generate`.",
            cause: cause)
    }

    /// Refuses what PostgreSQL's password file or SQL could not carry; says what is wrong, never the value.
    private func usable(_ value: String, _ place: String, _ name: String) throws -> Secret {
        let problem: String? =
            if value.isEmpty {
                "it is empty"
            } else if value.utf8.count > 1000 {
                "it has \(value.utf8.count) bytes, at most 1000 are allowed"
            } else if value.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) {
                "it contains a control character"
            } else {
                nil
            }
        guard let problem else { return Secret(value) }
        throw PgafError(
            .secretUnavailable, "The \(name) password from \(place) cannot be used: \(problem).",
            remedy: "Put another password there, or write `passwords.\(name): generate`.")
    }
}

/// Paths as people write them.
enum LocalPath {
    /// The path made absolute: `~/` is the home directory, anything relative belongs to `directory`.
    static func absolute(_ path: String, in directory: String, home: String?) -> String {
        if path.hasPrefix("/") { return path }
        if path.hasPrefix("~/"), let home { return "\(home)/\(path.dropFirst(2))" }
        return "\(directory)/\(path)"
    }
}
