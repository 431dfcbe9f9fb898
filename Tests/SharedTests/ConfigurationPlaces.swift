import Shared
import TestSupport

/// A key of the configuration as a place for texts, past every reader of files and flags, as in a request.
struct ConfigurationPlace: Sendable {
    var key: String
    /// nil for a value that is no text.
    var set: (@Sendable (inout Configuration, String) -> Void)?
    var get: (@Sendable (Configuration) -> String?)?

    init(_ key: String) { self.key = key }

    init(_ key: String, _ path: WritableKeyPath<Configuration, String> & Sendable) {
        self.key = key
        set = { $0[keyPath: path] = $1 }
        get = { $0[keyPath: path] }
    }

    init(_ key: String, _ path: WritableKeyPath<Configuration, String?> & Sendable) {
        self.key = key
        set = { $0[keyPath: path] = $1 }
        get = { $0[keyPath: path] }
    }

    init(_ key: String, list path: WritableKeyPath<Configuration, [String]> & Sendable) {
        self.key = key
        set = { $0[keyPath: path] = [$1] }
        get = { $0[keyPath: path].first }
    }

    private init(
        _ key: String, _ path: WritableKeyPath<Configuration, PasswordSource> & Sendable,
        _ source: @escaping @Sendable (String) -> PasswordSource
    ) {
        self.key = key
        set = { $0[keyPath: path] = source($1) }
        get = { configuration in
            switch configuration[keyPath: path] {
            case .environment(let text), .file(let text), .command(let text): text
            case .generate: nil
            }
        }
    }

    /// Each key that takes a name.
    static let names: [ConfigurationPlace] = [
        .init("cluster", \.cluster), .init("machine.vagrant.box", \.machine.vagrant.box),
        .init("machine.vagrant.name", \.machine.vagrant.name), .init("machine.vagrant.ip", \.machine.vagrant.ip),
        .init("machine.ssh.host", \.machine.ssh.host), .init("machine.ssh.user", \.machine.ssh.user),
        .init("machine.ssh.host_key", \.machine.ssh.hostKey), .init("image.name", \.image.name),
        .init("image.tag", \.image.tag), .init("image.base", \.image.base), .init("network.name", \.network.name),
        .init("network.subnet", \.network.subnet), .init("monitor.name", \.monitor.name),
        .init("monitor.hostname", \.monitor.hostname), .init("monitor.volume", \.monitor.volume),
        .init("monitor.user", \.monitor.user), .init("nodes[1].name", \.nodes[1].name),
        .init("nodes[1].hostname", \.nodes[1].hostname), .init("nodes[1].volume", \.nodes[1].volume),
        .init("nodes[1].host", \.nodes[1].host), .init("postgres.database", \.postgres.database),
        .init("postgres.packages", list: \.postgres.packages),
        .init("access.client_cidr", \.access.clientCIDR), .init("access.client_user", \.access.clientUser),
        .init("access.publish_address", \.access.publishAddress),
        .init("access.server_names", list: \.access.serverNames),
        .init("packages.mirrors.docker", \.packages[.docker]),
        .init("packages.mirrors.pgdg", \.packages[.pgdg]),
        .init("packages.mirrors.pgdg_archive", \.packages[.pgdgArchive]),
        .init("packages.mirrors.debian", \.packages[.debian]),
        .init("packages.mirrors.registry", \.packages[.registry]),
        .init("packages.keys.docker", \.packages[.dockerKey]), .init("packages.keys.pgdg", \.packages[.pgdgKey]),
        .init("packages.proxy", \.packages[.proxy]),
        .init("passwords.client", \.passwords.client, PasswordSource.environment),
    ]

    private static let others: [ConfigurationPlace] = [
        .init("machine.vagrant.synced_folder", \.machine.vagrant.syncedFolder),
        .init("machine.ssh.identity_files", list: \.machine.ssh.identityFiles),
        .init("passwords.superuser", \.passwords.superuser, PasswordSource.file),
        .init("monitor.port"), .init("nodes"), .init("failover.unhealthy_after"), .init("failover.partition_timeout"),
        .init("postgres.version"),
    ]

    static let all = Dictionary(uniqueKeysWithValues: (names + others).map { ($0.key, $0) })

    /// What stands before the text in a file or flag.
    static let prefixes = ["passwords.client": "env:", "passwords.superuser": "file:"]
}
