import Shared

/// A third-party apt repository with its pinned key.
public struct AptRepository: Sendable, Equatable {
    /// File name of the key and of the list.
    public var name: String
    public var uri: String
    public var suite: String
    public var components: [String]
    public var keyURL: String
    /// Fingerprint of the primary key, hexadecimal without blanks.
    public var fingerprint: String

    public var keyring: String { "/etc/apt/keyrings/\(name).asc" }
    public var sourcesFile: String { "/etc/apt/sources.list.d/\(name).list" }

    /// One-line format, with the key that alone may sign it.
    public var sourcesLine: String {
        "deb [signed-by=\(keyring)] \(uri) \(suite) \(components.joined(separator: " "))"
    }
}

/// Where everything comes from once `auto` is decided; recorded per cluster and never changed afterwards.
public enum SoftwareSource: String, Sendable, Codable, Equatable {
    /// Docker's and PGDG's repositories and a registry, as in the scripts.
    case pgdg
    /// The Debian archive alone.
    case debian

    public var defaultPostgresVersion: Int { self == .debian ? 17 : 16 }

    /// Packages of Docker on the machine.
    public func dockerPackages(codename: String) -> [String] {
        switch self {
        case .pgdg: ["docker-ce", "docker-ce-cli", "containerd.io", "docker-compose-plugin", "docker-buildx-plugin"]
        // Up to Debian 12 the client is part of docker.io; later it is a package of its own.
        case .debian: ["bullseye", "bookworm"].contains(codename) ? ["docker.io"] : ["docker.io", "docker-cli"]
        }
    }

    /// Package of `psql` on the machine.
    public func psqlPackage(version: Int) -> String {
        self == .pgdg ? "postgresql-client-\(version)" : "postgresql-client"
    }

    /// Repositories to add on the machine before its packages are installed.
    public func machineRepositories(facts: MachineFacts) -> [AptRepository] {
        guard self == .pgdg else { return [] }
        return [Self.docker(distribution: facts.distribution, codename: facts.codename), Self.pgdg(facts.codename)]
    }

    /// Docker's own repository.
    public static func docker(distribution: String, codename: String) -> AptRepository {
        AptRepository(
            name: "docker", uri: "https://download.docker.com/linux/\(distribution)", suite: codename,
            components: ["stable"], keyURL: "https://download.docker.com/linux/\(distribution)/gpg",
            fingerprint: "9DC858229FC7DD38854AE2D88D81803C0EBFCD88")
    }

    /// PostgreSQL's own repository; for a retired distribution its archive.
    public static func pgdg(_ codename: String) -> AptRepository {
        let retired = ["focal", "bionic", "buster", "stretch", "xenial"].contains(codename)
        return AptRepository(
            name: "pgdg",
            uri: retired
                ? "https://apt-archive.postgresql.org/pub/repos/apt" : "https://apt.postgresql.org/pub/repos/apt",
            suite: retired ? "\(codename)-pgdg-archive" : "\(codename)-pgdg", components: ["main"],
            keyURL: "https://www.postgresql.org/media/keys/ACCC4CF8.asc",
            fingerprint: "B97B0AFCAA1A47F044F244A07FCB7D46ACCC4CF8")
    }
}
