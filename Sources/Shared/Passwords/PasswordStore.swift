#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A cluster's passwords, from where its configuration says: generated ones are remembered in one file (mode 0600), the
/// others are fetched each time.
public struct PasswordStore: Sendable {
    /// What is done about a generated password that is not remembered.
    public enum Missing: Sendable {
        /// An error: only `up` makes passwords.
        case refused
        /// One is made; whoever asked sees to it that it is remembered.
        case made
    }

    private let file: String
    private let directory: String
    private let environment: [String: String]
    private let files: MachineFiles
    private let runner: any CommandRunner

    /// - Parameters:
    ///   - file: where generated passwords are remembered, by their names.
    ///   - directory: where relative paths of the configuration begin.
    ///   - environment: where `env:NAME` is looked up.
    public init(
        file: String, directory: String, environment: [String: String], files: MachineFiles = MachineFiles(),
        runner: any CommandRunner = SubprocessRunner()
    ) {
        self.runner = runner
        self.file = file
        self.directory = directory
        self.environment = environment
        self.files = files
    }

    /// One password of each kind.
    ///
    /// - Parameter replaced: names of generated passwords that are made anew although they are remembered.
    /// - Throws: `secret.unavailable`; no error ever carries a value.
    public func resolve(
        _ settings: PasswordSettings, missing: Missing, replacing replaced: [String] = []
    ) async throws -> ClusterSecrets {
        let kept = try remembered().filter { !replaced.contains($0.key) }
        func one(_ name: String, _ source: PasswordSource) async throws -> Secret {
            switch source {
            case .command(let line): return try await fromCommand(line, name)
            case .environment(let variable): return try fromEnvironment(variable, name)
            case .file(let path): return try fromFile(path, name)
            case .generate:
                if let known = kept[name] { return Secret(known) }
                if case .refused = missing { throw notRemembered(name) }
                return .generate()
            }
        }
        return ClusterSecrets(
            superuser: try await one("superuser", settings.superuser),
            monitor: try await one("monitor", settings.monitor),
            replication: try await one("replication", settings.replication),
            client: try await one("client", settings.client))
    }

    /// Names of the passwords that are generated and not remembered.
    public func forgotten(_ settings: PasswordSettings) throws -> [String] {
        let kept = try remembered()
        return Self.sources(settings).filter { $0.source == .generate && kept[$0.name] == nil }.map(\.name)
    }

    /// Remembers those of the passwords that are generated, as `resolve` made them.
    public func remember(_ secrets: ClusterSecrets, _ settings: PasswordSettings) throws {
        let before = try remembered()
        var kept = before
        for (name, source) in Self.sources(settings) where source == .generate { kept[name] = secrets.revealed[name] }
        if kept != before { try files.write(try JSONText.indented(kept) + "\n", to: file) }
    }

    /// Each password's name and source.
    public static func sources(_ settings: PasswordSettings) -> [(name: String, source: PasswordSource)] {
        [
            ("superuser", settings.superuser), ("monitor", settings.monitor), ("replication", settings.replication),
            ("client", settings.client),
        ]
    }

    /// All four as they are remembered; nil when one is not.
    public func rememberedSecrets() throws -> ClusterSecrets? {
        let kept = try remembered()
        return Self.sources(PasswordSettings()).allSatisfy { kept[$0.name] != nil }
            ? ClusterSecrets(revealed: kept) : nil
    }

    private func remembered() throws -> [String: String] {
        try files.requireTrust(file, alone: false)
        guard let bytes = try files.bytes(of: file) else { return [:] }
        guard let kept = try? JSONDecoder().decode([String: String].self, from: Data(bytes)) else {
            throw PgafError(
                .secretUnavailable, "The password store \(file) is damaged (\(bytes.count) bytes).",
                remedy: "Restore it from a backup, or move it away and run `up` again: it makes new passwords and sets"
                    + " them; no data is touched.")
        }
        return kept
    }

    private func notRemembered(_ name: String) -> PgafError {
        PgafError(
            .secretUnavailable, "The \(name) password is not in \(file).",
            remedy: "Run `pgaf-host up` in the directory where the cluster was made.")
    }

    private func fromEnvironment(_ variable: String, _ name: String) throws -> Secret {
        guard let value = environment[variable] else {
            throw PgafError(
                .secretUnavailable, "The \(name) password should come from $\(variable), which is not set.",
                remedy: "Set it for this command (sudo hands it on with `--preserve-env=\(variable)`), or write"
                    + " `passwords.\(name): generate`.")
        }
        return try usable(value, "$\(variable)", name)
    }

    private func fromFile(_ path: String, _ name: String) throws -> Secret {
        let full = LocalPath.absolute(path, in: directory, home: environment["HOME"])
        try files.requireTrust(full, alone: false)
        let bytes: [UInt8]?
        do {
            bytes = try files.bytes(of: full, limit: 64 << 10)
        } catch let error as PgafError {
            throw unreadable(full, name, cause: error.cause ?? error.message)
        }
        guard let bytes else { throw unreadable(full, name, cause: "there is no such file") }
        // Editors end a file with a line end, which nobody means to be part of the password.
        return try usable(Self.firstLine(String(decoding: bytes, as: UTF8.self)), full, name)
    }

    /// The first line that the command prints; what it prints is never part of an error.
    private func fromCommand(_ line: String, _ name: String) async throws -> Secret {
        let command = Command("sh", ["-c", line], workingDirectory: directory, deadline: .seconds(120))
        let result = try await runner.run(command)
        guard result.succeeded else {
            throw PgafError(
                .secretUnavailable,
                "The \(name) password should come from `\(line)`, which ended with status \(result.status).",
                remedy: "Run that command yourself and correct what it complains about, or write"
                    + " `passwords.\(name): generate`.")
        }
        return try usable(Self.firstLine(result.standardOutput), "`\(line)`", name)
    }

    /// What stands before the first LF or CRLF; every other line end of Unicode's is part of a password, or refused.
    private static func firstLine(_ text: String) -> String {
        let line = text.unicodeScalars.prefix { $0 != "\n" }
        return String(line.last == "\r" && line.endIndex != text.endIndex ? line.dropLast() : line)
    }

    private func unreadable(_ path: String, _ name: String, cause: String) -> PgafError {
        PgafError(
            .secretUnavailable, "The \(name) password should come from \(path), which cannot be read.",
            remedy: "Write the password into that file, mode 0600, or write `passwords.\(name): generate`.",
            cause: cause)
    }

    /// Refuses what cannot be a password; says what is wrong, never the value.
    private func usable(_ value: String, _ place: String, _ name: String) throws -> Secret {
        guard let problem = PasswordRules.problem(with: value) else { return Secret(value) }
        throw PgafError(
            .secretUnavailable, "The \(name) password from \(place) cannot be used: \(problem).",
            remedy: "Put another password there (ASCII letters, digits and signs always do), or write"
                + " `passwords.\(name): generate`.")
    }
}
