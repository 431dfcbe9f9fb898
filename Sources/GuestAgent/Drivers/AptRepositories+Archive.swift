import Shared

extension AptRepositories {
    /// Proves a mirror of the Debian archive by Debian's own keys, as mmdebstrap and the images' apt will take it.
    /// ca-certificates and debian-archive-keyring are installed for that where they are missing, and stay.
    ///
    /// - Parameters:
    ///   - archive: its base address.
    ///   - packages: what is to be installed from it.
    /// - Throws: `packages.archive-unreachable` when it does not give the suite; `packages.failed` when its lists are
    ///   not Debian's or have expired, have no such package for this machine, or its certificate is not trusted.
    func prove(
        archive: String, packages: [String], onLine: @escaping @Sendable (String) async -> Void
    ) async throws {
        try await require(
            ["ca-certificates", "debian-archive-keyring"], by: [Self.authorities, BaseSystem.keyring], onLine: onLine)
        // The keys are those of the machine: none is fetched, or pinned by the configuration.
        let mirror = AptRepository(
            name: "debian", uri: archive, suite: BaseSystem.suite, components: ["main"], keyURL: "", fingerprint: "",
            mirrorKey: "packages.mirrors.debian")
        let directory = try emptyDirectory(for: mirror)
        defer { try? files.remove(directory) }
        let release = try await fetch(mirror.release, to: "\(directory)/InRelease")
        guard release.succeeded else {
            throw Self.distrust(release, of: mirror.release, mirror)
                ?? PgafError(
                    .archiveUnreachable, "The mirror \(archive) does not give Debian's suite \(mirror.suite).",
                    remedy:
                        "Check the machine's network, set \(mirror.mirrorKey) to another mirror, or packages.proxy.",
                    cause: "\(mirror.release) could not be fetched", output: release.lastLines())
        }
        try await proveLists(
            mirror, packages: packages, signedBy: BaseSystem.keyring, of: "Debian's own keys", in: directory,
            onLine: onLine)
    }
}
