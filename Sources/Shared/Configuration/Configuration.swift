/// Everything that a user can decide, with the defaults of the README's "Configuration"; the content of `pgaf.yaml`.
///
/// A plain value: loading, overriding and validating live beside it. It is also sent to the agent inside the request,
/// so every part is `Codable`; passwords are only ever references here (`PasswordSource`), never values.
public struct Configuration: Sendable, Codable, Equatable {
    /// Name of the cluster; everything that pgaf makes is labelled with it.
    public var cluster = "pgaf"
    public var machine = MachineSettings()
    public var image = ImageSettings()
    public var network = NetworkSettings()
    public var monitor = MonitorSettings()
    public var nodes = NodeSettings.defaults(count: 3)
    public var pooler = PoolerSettings()
    public var postgres = PostgresSettings()
    public var access = AccessSettings()
    public var passwords = PasswordSettings()
    public var packages = PackageSettings()
    public var failover = FailoverSettings()

    public init() {}

    /// Ports of the machine that are wanted under the same numbers on the host: monitor, nodes, pooler.
    public var forwardedPorts: [Int] { [monitor.port] + nodes.map(\.port) + [pooler.port] }
}

/// The container image that all nodes run.
public struct ImageSettings: Sendable, Codable, Equatable {
    public var name = "pgaf/pg_auto_failover"
    public var tag = "latest"
    /// Base image by name or digest; nil means the one that belongs to the package source.
    public var base: String?

    public init() {}

    /// `name:tag`, as Docker takes it.
    public var reference: String { "\(name):\(tag)" }
}

/// The cluster's own Docker bridge network.
public struct NetworkSettings: Sendable, Codable, Equatable {
    public var name = "pgautofailover_cluster_net"
    /// An IPv4 range such as `172.30.7.0/24`; nil means a free /24, chosen once and remembered.
    public var subnet: String?

    public init() {}
}

/// The pg_auto_failover monitor.
public struct MonitorSettings: Sendable, Codable, Equatable {
    public var name = "monitor_node"
    /// Host name inside the network; nil means the name.
    public var hostname: String?
    /// Docker volume; nil means `NAME_data`.
    public var volume: String?
    public var port = 5430
    /// PostgreSQL user with which the nodes register; pg_auto_failover itself gives it this name.
    public var user = "autoctl_node"

    public init() {}

    public var effectiveHostname: String { hostname ?? name }
    public var effectiveVolume: String { volume ?? "\(name)_data" }
}

/// One PostgreSQL data node.
public struct NodeSettings: Sendable, Codable, Equatable {
    public var name: String
    /// Host name inside the network; nil means the name.
    public var hostname: String?
    /// Docker volume; nil means `NAME_data`.
    public var volume: String?
    public var port: Int
    /// 0 to 100; 0 means never promoted.
    public var candidatePriority = 50
    /// Whether the node takes part in the replication quorum.
    public var replicationQuorum = true
    /// The machine that carries the node; nil means the one machine there is.
    public var host: String?

    public init(name: String, port: Int) {
        self.name = name
        self.port = port
    }

    public var effectiveHostname: String { hostname ?? name }
    public var effectiveVolume: String { volume ?? "\(name)_data" }

    /// `pgnode1` on port 5001 and so on, as the scripts had them.
    public static func defaults(count: Int) -> [NodeSettings] {
        count < 1 ? [] : (1...count).map { NodeSettings(name: "pgnode\($0)", port: 5000 + $0) }
    }
}

/// The port kept free for a connection pooler.
public struct PoolerSettings: Sendable, Codable, Equatable {
    public var port = 6432

    public init() {}
}

/// PostgreSQL itself.
public struct PostgresSettings: Sendable, Codable, Equatable {
    /// Major version; nil means the one of the package source (17 for `debian`, 16 for `pgdg`).
    public var version: Int?
    public var database = "myappdb"
    /// Extra packages in the image, beside the server, pglogical and auto-failover; `%v` stands for the major version.
    public var packages: [String] = ["postgresql-%v-pglogical"]
    /// Settings that override what pgaf derives from the machine, by PostgreSQL's own names.
    public var settings: [String: String] = [:]

    public init() {}
}

/// Who may come in, from where, and how.
public struct AccessSettings: Sendable, Codable, Equatable {
    /// Authentication methods that pgaf writes into HBA rules.
    public enum Method: String, Sendable, Codable, CaseIterable {
        case scram = "scram-sha-256"
        case trust
    }

    /// Range from which clients may come.
    public var clientCIDR = "0.0.0.0/0"
    public var clientUser = "postgres"
    public var clientAuth = Method.scram
    public var internalAuth = Method.scram
    /// Address on which ports are published; nil means 127.0.0.1 on `local` machines, all addresses elsewhere.
    public var publishAddress: String?
    /// Further names and addresses by which clients come; they are part of the servers' certificates.
    public var serverNames: [String] = []
    /// Directory of the user's own certificates, on the machine where pgaf-host runs; nil means that the cluster makes them.
    public var certificates: String?

    public init() {}
}

/// Where each password comes from.
public struct PasswordSettings: Sendable, Codable, Equatable {
    public var superuser = PasswordSource.generate
    public var monitor = PasswordSource.generate
    public var replication = PasswordSource.generate
    /// Password of `access.client_user` when that is not `postgres`.
    public var client = PasswordSource.generate

    public init() {}

    /// Names of the environment variables that hold passwords.
    public var variables: [String] {
        [superuser, monitor, replication, client].compactMap {
            if case .environment(let name) = $0 { name } else { nil }
        }
    }
}

/// A reference to a password, never the password; coded as the text that the configuration has.
public enum PasswordSource: Sendable, Codable, Equatable, CustomStringConvertible {
    case generate
    case environment(String)
    case file(String)
    /// A shell's command line that prints it, as password managers do.
    case command(String)

    /// Reads `generate`, `env:NAME`, `file:PATH` or `command:LINE`; nil for anything else (a literal password, for instance).
    public init?(_ text: String) {
        if text == "generate" {
            self = .generate
        } else if text.hasPrefix("env:"), text.utf8.count > 4 {
            self = .environment(String(text.dropFirst(4)))
        } else if text.hasPrefix("file:"), text.utf8.count > 5 {
            self = .file(String(text.dropFirst(5)))
        } else if text.hasPrefix("command:"), text.utf8.count > 8 {
            self = .command(String(text.dropFirst(8)))
        } else {
            return nil
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let source = PasswordSource(try container.decode(String.self)) else {
            // Without the text: it may be a password.
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no reference to a password")
        }
        self = source
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    public var description: String {
        switch self {
        case .generate: "generate"
        case .environment(let name): "env:\(name)"
        case .file(let path): "file:\(path)"
        case .command(let line): "command:\(line)"
        }
    }
}

/// Where software comes from.
public struct PackageSettings: Sendable, Codable, Equatable {
    public enum Source: String, Sendable, Codable, CaseIterable {
        case auto, pgdg, debian
    }

    public var source = Source.auto
    /// Where things are taken from instead of their usual places, by `Place`. One value for all of them: the agent, which
    /// copies configurations everywhere, is 100 KB larger with a property for each.
    private var places: [String: String]?

    /// A host, key or proxy in place of the usual one, as the configuration names it below `packages`.
    public enum Place: String, Sendable, CaseIterable {
        case docker = "mirrors.docker"
        case pgdg = "mirrors.pgdg"
        case pgdgArchive = "mirrors.pgdg_archive"
        /// nil means the archive that the machine's own apt has.
        case debian = "mirrors.debian"
        /// `HOST[:PORT][/PATH]` in front of base images that name no registry; nil means Docker Hub.
        case registry = "mirrors.registry"
        /// Fingerprints; nil means the upstreams' own, which pgaf knows.
        case dockerKey = "keys.docker"
        case pgdgKey = "keys.pgdg"
        /// HTTP proxy for everything that apt fetches; nil means what the machine's own apt has.
        case proxy
    }

    public init() {}

    /// nil means the usual one.
    public subscript(place: Place) -> String? {
        get { places?[place.rawValue] }
        set {
            places = places ?? [:]
            places?[place.rawValue] = newValue
            if places?.isEmpty == true { places = nil }
        }
    }
}

/// How fast a failure is noticed and acted on.
public struct FailoverSettings: Sendable, Codable, Equatable {
    public enum Profile: String, Sendable, Codable, CaseIterable {
        case `default`, fast
    }

    public var profile = Profile.default
    /// Each overrides the profile's value; milliseconds, by the GUCs of pg_auto_failover's monitor.
    public var healthCheckPeriod: Int?
    public var healthCheckTimeout: Int?
    public var healthCheckRetryDelay: Int?
    public var healthCheckMaxRetries: Int?
    public var unhealthyAfter: Int?
    public var demoteTimeout: Int?
    public var startupGrace: Int?
    /// Keeper's `timeout.network_partition_timeout`, in seconds.
    public var partitionTimeout: Int?

    public init() {}
}
