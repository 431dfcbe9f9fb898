#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What the host asks of the agent: one JSON object on the agent's standard input, never in its arguments, since it
/// carries secrets.
public struct Request: Sendable, Equatable {
    public var run: String
    public var configuration: Configuration
    public var secrets: ClusterSecrets
    /// The user's own certificates; nil when the cluster makes some.
    public var certificates: SuppliedCertificates?
    public var options: Options
    /// A change of roles, instead of bringing the cluster up.
    public var order: RoleOrder?
    /// The cluster's stop, start or removal, instead of bringing it up.
    public var clusterOrder: ClusterOrder?

    public init(
        run: String, configuration: Configuration, secrets: ClusterSecrets, certificates: SuppliedCertificates? = nil,
        options: Options = Options(), order: RoleOrder? = nil, clusterOrder: ClusterOrder? = nil
    ) {
        self.run = run
        self.configuration = configuration
        self.secrets = secrets
        self.certificates = certificates
        self.options = options
        self.order = order
        self.clusterOrder = clusterOrder
    }

    public struct Options: Sendable, Codable, Equatable {
        /// Remove everything of this cluster first, data included (the scripts' clean start).
        public var fresh = false
        /// Remove the volumes of nodes that are no longer in the configuration.
        public var purge = false
        /// Whether ports may be published on every address of the machine when the configuration is silent; nil where no host
        /// says so, which means as before.
        public var publishEverywhere: Bool?
        /// Whether a run that finds another one at work waits for its end.
        public var wait = false
        /// Whether the machine has the parts of a bundle (`BundlePlace`): what is missing comes from there alone.
        public var bundle = false

        /// Names and addresses by which the host reaches the machine; certificates have to carry them.
        public var hosts: [String] = []

        public init(
            fresh: Bool = false, purge: Bool = false, publishEverywhere: Bool? = nil, wait: Bool = false,
            bundle: Bool = false, hosts: [String] = []
        ) {
            self.bundle = bundle
            self.hosts = hosts
            self.fresh = fresh
            self.purge = purge
            self.publishEverywhere = publishEverywhere
            self.wait = wait
        }
    }

    /// The request as one JSON text, wrapped as a secret because it contains some.
    public func encoded() throws -> Secret {
        let wire = Wire(
            v: Event.version, run: run, configuration: configuration, secrets: secrets.revealed,
            certificates: certificates?.revealed, options: options, order: order,
            clusterOrder: clusterOrder)
        return Secret(try JSONText.line(wire))
    }

    /// Reads a request.
    ///
    /// - Throws: `protocol.mismatch` for another version, `protocol.violation` for anything else that is wrong; the
    ///   text itself is never quoted in the error.
    public init(decoding bytes: [UInt8]) throws {
        let data = Data(bytes)
        struct Version: Decodable { var v: Int }
        guard let version = try? JSONDecoder().decode(Version.self, from: data) else {
            throw PgafError(
                .protocolViolation,
                "The request on standard input is not a JSON object with a version (\(bytes.count) bytes).",
                remedy: "Use `pgaf-agent up --config FILE` when you run the agent by hand.")
        }
        guard version.v == Event.version else {
            throw PgafError(
                .protocolMismatch,
                "The request speaks version \(version.v) of the protocol, this agent version \(Event.version).",
                remedy: "Use pgaf-host and pgaf-agent of the same release.")
        }
        do {
            let wire = try JSONDecoder().decode(Wire.self, from: data)
            self.init(
                run: wire.run, configuration: wire.configuration, secrets: ClusterSecrets(revealed: wire.secrets),
                certificates: wire.certificates.map { SuppliedCertificates($0) }, options: wire.options,
                order: wire.order, clusterOrder: wire.clusterOrder)
        } catch {
            throw PgafError(
                .protocolViolation, "The request on standard input lacks fields or has wrong ones.",
                remedy: "Use pgaf-host and pgaf-agent of the same release.")
        }
    }

    private struct Wire: Codable {
        var v: Int
        var run: String
        var configuration: Configuration
        var secrets: [String: String]
        var certificates: SuppliedCertificates.Wire?
        var options: Options
        var order: RoleOrder?
        var clusterOrder: ClusterOrder?
    }
}

/// The passwords of one cluster.
public struct ClusterSecrets: Sendable, Equatable {
    /// `postgres` on the data nodes.
    public var superuser: Secret
    /// `autoctl_node` on the monitor.
    public var monitor: Secret
    /// `pgautofailover_replicator` on the data nodes.
    public var replication: Secret
    /// `access.client_user`, when that is not `postgres`.
    public var client: Secret

    public init(superuser: Secret, monitor: Secret, replication: Secret, client: Secret) {
        self.superuser = superuser
        self.monitor = monitor
        self.replication = replication
        self.client = client
    }

    public static func generate() -> ClusterSecrets {
        ClusterSecrets(superuser: .generate(), monitor: .generate(), replication: .generate(), client: .generate())
    }

    public var all: [Secret] { [superuser, monitor, replication, client] }

    /// By name, for the request and for the 0600 stores only.
    public var revealed: [String: String] {
        [
            "superuser": superuser.revealed, "monitor": monitor.revealed, "replication": replication.revealed,
            "client": client.revealed,
        ]
    }

    /// The inverse of `revealed`; a missing name gets a generated password.
    public init(revealed: [String: String]) {
        func secret(_ name: String) -> Secret { revealed[name].map { Secret($0) } ?? .generate() }
        self.init(
            superuser: secret("superuser"), monitor: secret("monitor"), replication: secret("replication"),
            client: secret("client"))
    }
}
