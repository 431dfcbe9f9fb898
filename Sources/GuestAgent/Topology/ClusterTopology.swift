import Shared

/// The whole cluster as it should be on this machine: every name, address, file and argument, derived without effects
/// from the configuration, the remembered state and the machine's facts.
public struct ClusterTopology: Sendable, Equatable {
    public let configuration: Configuration
    public private(set) var state: ClusterState
    public let facts: MachineFacts
    /// Directory of this cluster on the machine.
    public let directory: String
    /// Address on which ports are published: the configuration's, else every one where a host has asked for that, else
    /// the machine's own alone.
    public let publishAddress: String

    /// - Parameter root: pgaf's directory on the machine, normally `/var/lib/pgaf`.
    public init(configuration: Configuration, state: ClusterState, facts: MachineFacts, root: String) {
        self.configuration = configuration
        self.state = state.placing(configuration)
        var facts = facts
        if state.isFast == true { facts.isSlow = false }
        self.facts = facts
        directory = "\(root)/clusters/\(configuration.cluster)"
        publishAddress =
            configuration.access.publishAddress ?? (state.publishesEverywhere == true ? "0.0.0.0" : "127.0.0.1")
        // What another base image was is forgotten with it.
        if self.state.base?.hasPrefix("\(baseReference.text)@") == false { self.state.base = nil }
    }

    /// The same with what the base image's tag is known to be.
    ///
    /// - Parameter digest: `sha256:DIGEST`; nil means that nobody knows any more.
    func remembering(base digest: String?) -> ClusterTopology {
        var topology = self
        topology.state.base = digest.map { "\(baseReference.text)@\($0)" }
        return topology
    }

    public var subnet: IPv4Network { state.subnet }
    public var monitorAddress: IPv4Address { address(configuration.monitor.name) }

    /// The base image by its names.
    public var baseReference: ImageReference {
        let usual = state.source == .debian ? BaseSystem.image : "ubuntu:\(Self.pgdgBaseCodename)"
        return ImageReference(
            configuration.image.base ?? usual,
            mirror: makesBaseImage ? nil : configuration.packages[.registry],
            remembered: state.base.flatMap { ImageReference($0).digest })
    }

    /// The name of the base image on this machine.
    public var baseImage: String { baseReference.local }

    /// Whether the base image is made here with mmdebstrap instead of being pulled.
    public var makesBaseImage: Bool { configuration.image.base == nil && state.source == .debian }

    /// Distribution of the scripts' image.
    private static let pgdgBaseCodename = "focal"

    /// PGDG's repository for the image, or its mirror, for a base image of this release.
    public func imageRepository(_ codename: String) -> AptRepository {
        SoftwareSource.pgdg(codename, configuration.packages)
    }

    /// Files from which the image is built; `repository` is PGDG's with the verified key for that source.
    public func imageFiles(_ repository: (repository: AptRepository, key: String)? = nil) -> ImageFiles {
        ImageFiles(
            base: baseImage, version: state.postgresVersion, packages: configuration.postgres.packages,
            repository: repository, archive: makesBaseImage ? configuration.packages[.debian] : nil)
    }

    /// What tells whether an image is up to date: the files as they are without any mirror, and the fingerprint in place of
    /// the key. Which host gave the same packages does not matter, nor whether the base image's tag is remembered
    /// (docs/decisions/0011).
    func imageHash(baseIdentifier: String) -> String {
        let upstream = SoftwareSource.pgdg(baseReference.codename ?? "")
        return ImageFiles(
            base: baseReference.text, version: state.postgresVersion, packages: configuration.postgres.packages,
            repository: state.source == .pgdg ? (upstream, upstream.fingerprint) : nil
        ).hash(baseIdentifier: baseIdentifier)
    }

    /// All repositories that are asked, the image's too where the release of its base is known before it is pulled.
    var repositories: [AptRepository] {
        let image = state.source == .pgdg ? baseReference.codename.map(imageRepository) : nil
        return machineRepositories + [image].compactMap { $0 }.filter { !machineRepositories.contains($0) }
    }

    /// Repositories of the machine for its own packages.
    var machineRepositories: [AptRepository] {
        guard state.source == .pgdg else { return [] }
        let packages = configuration.packages
        return [
            SoftwareSource.docker(distribution: facts.distribution, codename: facts.codename, packages),
            SoftwareSource.pgdg(facts.codename, packages),
        ]
    }

    /// What the machine installs from one of its own repositories.
    func machinePackages(_ repository: AptRepository) -> [String] {
        repository.name == "docker"
            ? state.source.dockerPackages(distribution: facts.distribution, codename: facts.codename)
            : [state.source.psqlPackage(version: state.postgresVersion)]
    }

    /// What the image installs from PGDG alone; the rest may be the distribution's.
    var imagePackages: [String] {
        let version = state.postgresVersion
        let extra = configuration.postgres.packages.map { $0.replacingBytes(of: "%v", with: "\(version)") }
        return ["postgresql-\(version)", "postgresql-\(version)-auto-failover"]
            + extra.filter { $0.hasPrefix("postgresql-\(version)-") }
    }

    /// The monitor's and the nodes' containers.
    public var containerNames: [String] { [configuration.monitor.name] + configuration.nodes.map(\.name) }
    public var volumeNames: [String] {
        [configuration.monitor.effectiveVolume] + configuration.nodes.map(\.effectiveVolume)
    }

    public func address(_ container: String) -> IPv4Address { subnet.address(state.offsets[container] ?? 0) }

    /// Directory whose content a node sees in `ContainerLayout.configuration`.
    public func configurationDirectory(_ container: String) -> String { "\(directory)/nodes/\(container)/etc" }

    /// Directory whose content a node's entrypoint sees in `ContainerLayout.secrets`.
    public func secretsDirectory(_ container: String) -> String { "\(directory)/nodes/\(container)/secrets" }

    /// Files of the monitor's configuration directory by name.
    public var monitorFiles: [String: String] {
        [
            "pg_hba.conf": HBARules.monitor(access: configuration.access, subnet: subnet),
            "pg_ident.conf": HBARules.identities,
            "postgresql.conf": PostgresTuning.text(PostgresTuning.monitor(failoverTimings)),
        ]
    }

    /// Files of every data node's configuration directory by name.
    public var nodeFiles: [String: String] {
        [
            "pg_hba.conf": HBARules.node(
                access: configuration.access, subnet: subnet, monitor: monitorAddress),
            "pg_ident.conf": HBARules.identities,
            "postgresql.conf": PostgresTuning.text(nodeSettings),
        ]
    }

    /// How fast failures are noticed on this machine.
    public var failoverTimings: FailoverTimings { FailoverTimings(configuration.failover, isSlow: facts.isSlow) }

    /// How long the formation normally takes on it from one state to the next.
    var recoveryTimes: RecoveryTimes { RecoveryTimes(failoverTimings, isSlow: facts.isSlow) }

    /// What pgaf sets on each data node, derived values and the user's.
    public var nodeSettings: [String: String] {
        PostgresTuning.node(
            facts: facts, nodes: configuration.nodes.count, overrides: configuration.postgres.settings)
    }

    /// libpq's password file for a container: what is used in there and no more. By the monitor that is `WritingClient`
    /// alone, since its own pg_autoctl comes by the socket. The database is `*`, since replication connections look up
    /// other names than one expects.
    func passwordFile(_ container: String, _ secrets: ClusterSecrets) -> Secret {
        let rows =
            container == configuration.monitor.name
            ? [("postgres", secrets.superuser)]
            : [("autoctl_node", secrets.monitor), ("pgautofailover_replicator", secrets.replication)]
        return Secret(rows.map { "*:*:*:\($0):\(PassfileField.escaped($1.revealed))\n" }.joined())
    }

    /// Directory of the cluster's certificates and their keys, root's alone.
    var certificateDirectory: String { "\(directory)/certificates" }

    /// The certificate that each container needs, with the names by which the others and clients come.
    var certificateRequests: [CertificateRequest] {
        let own = [(configuration.monitor.name, configuration.monitor.effectiveHostname)]
        let published = [configuration.access.publishAddress].compactMap { $0 }.filter { $0 != "0.0.0.0" && $0 != "::" }
        return (own + configuration.nodes.map { ($0.name, $0.effectiveHostname) }).map { name, hostname in
            let clients = published + configuration.access.serverNames + (state.clientHosts ?? [])
            return CertificateRequest(
                name: name,
                hosts: [name, hostname, "localhost", address(name).description, "127.0.0.1", "::1"] + clients,
                needed: Set([name, hostname, connections.monitor.address] + clients).sorted())
        }
    }

    /// pg_autoctl's options about TLS, the same for the monitor and the nodes.
    private static let tlsOptions = [
        "--ssl-ca-file", ContainerLayout.authority, "--server-cert", ContainerLayout.serverCertificate, "--server-key",
        ContainerLayout.serverCertificate, "--ssl-mode", "verify-full",
    ]

    /// How nodes reach the monitor; the password comes from the password file.
    ///
    /// pg_autoctl overwrites `PGCONNECT_TIMEOUT` with 2 s, whatever it was given (pgsql.c of 2.2). On a slow machine with
    /// all nodes at work a TLS connection takes longer, and each one that is given up was work for nothing: only the
    /// address itself can say that there is more time.
    public var monitorURI: String {
        "postgresql://autoctl_node@\(configuration.monitor.effectiveHostname):\(ContainerLayout.port)"
            + "/pg_auto_failover?sslmode=verify-full&sslrootcert=\(ContainerLayout.authority)"
            + (facts.isSlow ? "&connect_timeout=\(Self.patience)" : "")
    }

    public func monitorContainer(imageHash: String) -> ContainerSpecification {
        let monitor = configuration.monitor
        return container(
            name: monitor.name, hostname: monitor.effectiveHostname, volume: monitor.effectiveVolume,
            port: monitor.port, role: "monitor", imageHash: imageHash,
            command: [
                "pg_autoctl", "create", "monitor", "--hostname", monitor.effectiveHostname, "--skip-pg-hba",
            ] + Self.tlsOptions + ["--run"])
    }

    public func nodeContainer(_ node: NodeSettings, imageHash: String) -> ContainerSpecification {
        let usual = NodeSettings(name: node.name, port: node.port)
        var specification = container(
            name: node.name, hostname: node.effectiveHostname, volume: node.effectiveVolume, port: node.port,
            role: "node", imageHash: imageHash,
            command: [
                "pg_autoctl", "create", "postgres", "--name", node.name, "--hostname", node.effectiveHostname,
                "--skip-pg-hba", "--monitor", monitorURI, "--candidate-priority", "\(usual.candidatePriority)",
                "--replication-quorum", "\(usual.replicationQuorum)",
            ] + Self.tlsOptions + ["--run"])
        specification.firstValues = [
            "--candidate-priority": "\(node.candidatePriority)", "--replication-quorum": "\(node.replicationQuorum)",
        ]
        return specification
    }

    /// Seconds that a connection may take on a slow machine.
    private static let patience = 20

    /// What pg_autoctl reads of it once, at its start, is how long it tries again where a connection failed.
    private var environment: [String: String] { facts.isSlow ? ["PGCONNECT_TIMEOUT": "\(Self.patience)"] : [:] }

    private func container(
        name: String, hostname: String, volume: String, port: Int, role: String, imageHash: String, command: [String]
    ) -> ContainerSpecification {
        ContainerSpecification(
            name: name, hostname: hostname, network: configuration.network.name, address: address(name),
            volume: volume,
            mounts: [
                ContainerLayout.configuration: configurationDirectory(name),
                ContainerLayout.secrets: secretsDirectory(name),
            ],
            publishAddress: publishAddress, publishPort: port, environment: environment,
            image: configuration.image.reference,
            imageHash: imageHash, labels: [Label.cluster: configuration.cluster, Label.role: role], command: command,
            memoryLimit: PostgresTuning.memoryLimit(facts),
            healthInterval: facts.isSlow ? 300 : 30)
    }

    /// How clients come in, seen from the machine.
    public var connections: ConnectionInfo {
        let reachable = publishAddress == "0.0.0.0" ? "127.0.0.1" : publishAddress
        return ConnectionInfo(
            user: configuration.access.clientUser, database: configuration.postgres.database,
            nodes: configuration.nodes.map { .init(name: $0.name, address: reachable, port: $0.port) },
            monitor: .init(name: configuration.monitor.name, address: reachable, port: configuration.monitor.port),
            monitorUser: configuration.monitor.user)
    }
}
