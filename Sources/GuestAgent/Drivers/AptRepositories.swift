import Shared

/// Third-party repositories: key fetched over TLS, compared with its pinned fingerprint, used for that one alone.
public struct AptRepositories: Sendable {
    let runner: any CommandRunner
    let files: MachineFiles

    public init(runner: any CommandRunner, files: MachineFiles) {
        self.runner = runner
        self.files = files
    }

    /// Adds repositories and fetches their lists.
    public func add(_ repositories: [AptRepository], onLine: @escaping @Sendable (String) async -> Void) async throws {
        guard !repositories.isEmpty else { return }
        let apt = Apt(runner: runner)
        try await apt.install(["ca-certificates", "gpg"], onLine: onLine)
        try files.makeDirectory("/etc/apt/keyrings", mode: 0o755)
        for repository in repositories {
            let key = try await verifiedKey(repository)
            try files.write(key, to: repository.keyring, mode: 0o644)
            try files.write(repository.sourcesLine + "\n", to: repository.sourcesFile, mode: 0o644)
        }
        try await apt.update(onLine: onLine)
    }

    /// The armored key, after its fingerprint was compared with the pinned one.
    public func verifiedKey(_ repository: AptRepository) async throws -> String {
        let temporary = "/run/pgaf-key-\(repository.name)"
        defer { try? files.remove(temporary) }
        try await runner.checked(
            Command(
                "/usr/lib/apt/apt-helper", ["download-file", repository.keyURL, temporary], deadline: .seconds(120)),
            code: .archiveUnreachable,
            what: "The key of \(repository.uri) could not be fetched from \(repository.keyURL).",
            remedy: "Check the machine's network, or set `packages.source: debian` in pgaf.yaml.")
        let listing = try await runner.run(
            Command("gpg", ["--batch", "--show-keys", "--with-colons", "--with-fingerprint", temporary]))
        guard Self.fingerprints(listing.standardOutput).first == repository.fingerprint,
            let key = try files.read(temporary)
        else {
            throw PgafError(
                .packagesFailed, "The key from \(repository.keyURL) is not the one that belongs to \(repository.name).",
                remedy: "Do not use that mirror; somebody stands between you and it, or it serves another repository.",
                cause: "expected fingerprint \(repository.fingerprint)", output: listing.lastLines())
        }
        return key
    }

    /// Fingerprints in gpg's colon listing, primary key first.
    static func fingerprints(_ listing: String) -> [String] {
        listing.split(separator: "\n").filter { $0.hasPrefix("fpr:") }.compactMap {
            $0.split(separator: ":", omittingEmptySubsequences: false).dropFirst(9).first.map(String.init)
        }
    }
}
