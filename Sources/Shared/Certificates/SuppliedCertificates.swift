/// Certificates that the user brings instead of those of a cluster's own authority.
///
/// They come from one directory (`access.certificates`): `ca.crt`, and for the monitor and each node `NAME.crt` and
/// `NAME.key`, NAME being the container's.
public struct SuppliedCertificates: Sendable, Equatable {
    /// The authority's certificate, PEM.
    public var authority: String
    /// By container: its key, its certificate, and what may stand between that and the authority; PEM.
    public var servers: [String: Secret]

    public init(authority: String, servers: [String: Secret]) {
        self.authority = authority
        self.servers = servers
    }

    /// Bytes that a file of a certificate or key may have; common ones have a hundredth of that.
    private static let limit = 256 << 10

    private static let certificate = "-----BEGIN CERTIFICATE-----"

    /// Reads the directory; nil when the configuration has the cluster make its own certificates.
    ///
    /// Whether keys, names and times are right is seen on the machine, which has openssl.
    ///
    /// - Parameters:
    ///   - directory: where a relative path begins.
    ///   - home: what `~` stands for.
    /// - Throws: `certificate.failed` with the file and what is wrong with it, `file.unsafe`.
    public init?(
        _ configuration: Configuration, directory: String, home: String?, files: MachineFiles = MachineFiles()
    ) throws {
        guard let path = configuration.access.certificates else { return nil }
        let place = LocalPath.absolute(path, in: directory, home: home)
        authority = try Self.read("\(place)/ca.crt", files)
        let count = authority.split(separator: Self.certificate, omittingEmptySubsequences: false).count - 1
        guard count == 1 else {
            throw Self.unusable(
                "\(place)/ca.crt", "it holds \(count) certificates, but must hold the one of the authority")
        }
        servers = [:]
        for name in [configuration.monitor.name] + configuration.nodes.map(\.name) {
            let key = try Self.read("\(place)/\(name).key", files)
            guard key.contains("PRIVATE KEY-----"), !key.contains("ENCRYPTED") else {
                throw Self.unusable("\(place)/\(name).key", "it must hold a private key without a passphrase, PEM")
            }
            let chain = try Self.read("\(place)/\(name).crt", files)
            guard chain.contains(Self.certificate) else {
                throw Self.unusable("\(place)/\(name).crt", "it holds no certificate, PEM")
            }
            servers[name] = Secret(key.trimmed + "\n" + chain.trimmed + "\n")
        }
    }

    private static func read(_ path: String, _ files: MachineFiles) throws -> String {
        try files.requireTrust(path, alone: false)
        guard let text = try files.read(path, limit: limit) else { throw unusable(path, "there is no such file") }
        // Every node gets what lies beside its key: the authority's key or another node's would be given away.
        if !path.hasSuffix(".key"), text.contains("PRIVATE KEY") {
            throw unusable(path, "there is a private key in it")
        }
        return text
    }

    private static func unusable(_ path: String, _ problem: String) -> PgafError {
        PgafError(
            .certificateFailed, "\(path) cannot be used: \(problem).",
            remedy: "Put `ca.crt`, and `NAME.crt` and `NAME.key` of the monitor and each node, into the directory that"
                + " `access.certificates` names, or leave that key out for certificates that pgaf makes.")
    }

    /// With its keys in clear, for the request only.
    struct Wire: Codable {
        var authority: String
        var servers: [String: String]
    }

    var revealed: Wire { Wire(authority: authority, servers: servers.mapValues(\.revealed)) }

    /// The inverse of `revealed`.
    init(_ wire: Wire) { self.init(authority: wire.authority, servers: wire.servers.mapValues { Secret($0) }) }
}
