import Shared

/// Where everything comes from once `auto` is decided; recorded per cluster and never changed afterwards.
public enum SoftwareSource: String, Sendable, Codable, Equatable {
    /// Docker's and PGDG's repositories and a registry, as in the scripts.
    case pgdg
    /// The Debian archive alone.
    case debian

    public var defaultPostgresVersion: Int { self == .debian ? 17 : 16 }

    /// Packages of Docker on a machine with this `ID` and `VERSION_CODENAME` in its os-release.
    public func dockerPackages(distribution: String, codename: String) -> [String] {
        switch self {
        case .pgdg: ["docker-ce", "docker-ce-cli", "containerd.io", "docker-compose-plugin", "docker-buildx-plugin"]
        // In Ubuntu, and in Debian up to 12, the client is part of docker.io; later it is a package of its own.
        case .debian:
            distribution == "ubuntu" || ["bullseye", "bookworm"].contains(codename)
                ? ["docker.io"] : ["docker.io", "docker-cli"]
        }
    }

    /// Package of `psql` on the machine.
    public func psqlPackage(version: Int) -> String {
        self == .pgdg ? "postgresql-client-\(version)" : "postgresql-client"
    }

    /// Docker's own repository, or its mirror.
    public static func docker(
        distribution: String, codename: String, _ packages: PackageSettings = PackageSettings()
    ) -> AptRepository {
        let base = "\(packages[.docker] ?? "https://download.docker.com")/linux/\(distribution)"
        return AptRepository(
            name: "docker", uri: base, suite: codename, components: ["stable"], keyURL: "\(base)/gpg",
            fingerprint: packages[.dockerKey]?.uppercased() ?? "9DC858229FC7DD38854AE2D88D81803C0EBFCD88",
            mirrorKey: "packages.mirrors.docker")
    }

    private static let pgdgArchive = "https://apt-archive.postgresql.org/pub/repos/apt"

    /// PostgreSQL's own repository, for a retired distribution its archive, or a mirror of either.
    ///
    /// What PGDG retires later than this was written is for the configuration to say, so that the answers of a day decide
    /// nothing: the archive's address as mirror of the repository means the archive, with the suites that it has.
    public static func pgdg(_ codename: String, _ packages: PackageSettings = PackageSettings()) -> AptRepository {
        let retired =
            ["focal", "bionic", "buster", "stretch", "xenial"].contains(codename) || packages[.pgdg] == pgdgArchive
        let mirror = retired ? packages[.pgdgArchive] : packages[.pgdg]
        return AptRepository(
            name: "pgdg", uri: mirror ?? (retired ? pgdgArchive : "https://apt.postgresql.org/pub/repos/apt"),
            suite: retired ? "\(codename)-pgdg-archive" : "\(codename)-pgdg", components: ["main"],
            keyURL: mirror.map { "\($0)/ACCC4CF8.asc" } ?? "https://www.postgresql.org/media/keys/ACCC4CF8.asc",
            fingerprint: packages[.pgdgKey]?.uppercased() ?? "B97B0AFCAA1A47F044F244A07FCB7D46ACCC4CF8",
            mirrorKey: retired ? "packages.mirrors.pgdg_archive" : "packages.mirrors.pgdg",
            retirement: retired
                ? nil
                : "If PGDG has retired this release, set packages.mirrors.pgdg to \(pgdgArchive), where it keeps the"
                    + " packages of all releases.")
    }
}
