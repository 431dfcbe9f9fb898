import Shared

/// Chooses once what a cluster then keeps: package source, PostgreSQL's major version, subnet.
struct StateChoice: Sendable {
    let runner: any CommandRunner
    let store: ClusterStore
    let facts: MachineFacts
    /// Started where it is stopped and the memory is lost; nil for a look that changes nothing.
    var engine: DockerEngine?
    var events: EventWriter?
    /// Whether a bundle brings what is lacking: then `auto` has nobody to ask.
    var bundle = false
    /// Whether what is remembered counts; not when all of it is about to be removed.
    var remembering = true

    /// - Throws: `data.would-be-lost`, `configuration.conflict`, `configuration.invalid`, `network.conflict`;
    ///   `bundle.unfit` for a bundle where the source is not that of bundles.
    func state(for configuration: Configuration, warnings: Warnings) async throws -> ClusterState {
        let state = try await choice(configuration, warnings)
        guard !bundle || state.source == .debian else {
            throw PgafError.bundleForAnotherSource(than: configuration.cluster)
        }
        return state
    }

    private func choice(_ configuration: Configuration, _ warnings: Warnings) async throws -> ClusterState {
        let subnet = try wantedSubnet(configuration)
        if remembering, let known = try store.state(configuration.cluster) {
            let refusal = refusal(known, configuration, subnet)
            if refusal == nil, configuration.packages.source != .auto { return known }
            // A run that failed before it made a node leaves a choice that binds nobody.
            if try await mayHaveData(configuration.cluster) {
                if let refusal { throw refusal }
                return known
            }
        }
        let docker = Docker(runner: runner)
        let made = remembering ? try await madeFrom(configuration.cluster) : nil
        let source: SoftwareSource = if let made { made.source } else { try await source(configuration, warnings) }
        let version = made?.version ?? configuration.postgres.version ?? source.defaultPostgresVersion
        if source == .debian, version != source.defaultPostgresVersion {
            throw PgafError(
                .configurationConflict,
                "PostgreSQL \(version) is not in the Debian archive; its release \(BaseSystem.suite) has"
                    + " \(source.defaultPostgresVersion).",
                remedy: "Leave `postgres.version` out, or set `packages.source: pgdg`.")
        }
        _ = try await engine?.isAvailable(events)
        // A network that is there although the memory is lost belongs to containers that have its addresses.
        let adopted = try await docker.subnet(ofNetwork: configuration.network.name)
        guard let chosen = try subnet ?? adopted ?? SubnetChoice.free(avoiding: usedNetworks()) else {
            throw PgafError(
                .networkConflict, "No free /24 was found for the cluster's network on this machine.",
                remedy: "Set `network.subnet` in pgaf.yaml to a range that nothing here uses.")
        }
        var state = ClusterState(source: source, postgresVersion: version, subnet: chosen)
        // A choice that binds nobody may have pulled an image already.
        if remembering { state.base = try store.state(configuration.cluster)?.base }
        if made != nil, let refusal = refusal(state, configuration, nil) { throw refusal }
        return state
    }

    /// What a cluster's volumes say of the data in them, where the machine has forgotten it: another PostgreSQL must not
    /// meet that data.
    private func madeFrom(_ cluster: String) async throws -> (source: SoftwareSource, version: Int)? {
        let isAvailable = try await engine?.isAvailable(events) ?? false
        let docker = Docker(runner: runner)
        // Where nothing is changed an engine that does not answer has nothing to say.
        let volumes =
            isAvailable
            ? try await docker.labelled("volume", cluster: cluster)
            : (try? await docker.labelled("volume", cluster: cluster)) ?? []
        for name in volumes {
            let labels = try await docker.labels(of: "volume", name)
            if let source = labels?[Label.source].flatMap(SoftwareSource.init), let version = labels?[Label.postgres],
                let version = Int(version)
            {
                return (source, version)
            }
        }
        return nil
    }

    private func wantedSubnet(_ configuration: Configuration) throws -> IPv4Network? {
        guard let text = configuration.network.subnet else { return nil }
        guard let network = IPv4Network(text) else {
            throw PgafError(
                .configurationInvalid, "network.subnet \"\(text)\" is no IPv4 range.",
                remedy: "Write it like 172.30.7.0/24.")
        }
        return network
    }

    private func usedNetworks() throws -> [IPv4Network] {
        Route.all(inProcNetRoute: try store.files.read("/proc/net/route") ?? "").map(\.network)
    }

    /// Whether there are volumes of the cluster, or nobody can tell.
    private func mayHaveData(_ cluster: String) async throws -> Bool {
        if let engine, try await !engine.isAvailable(events) { return false }
        do {
            return try await !Docker(runner: runner).labelled("volume", cluster: cluster).isEmpty
        } catch let error as PgafError {
            return error.code != .commandNotFound
        }
    }

    /// Why the remembered cluster cannot become what is asked for; nil when it can.
    private func refusal(
        _ known: ClusterState, _ configuration: Configuration, _ subnet: IPv4Network?
    ) -> PgafError? {
        let wanted = configuration.packages.source
        let what: String
        if let version = configuration.postgres.version, version != known.postgresVersion {
            what = "The cluster's data is PostgreSQL \(known.postgresVersion)'s, the configuration asks for \(version)."
        } else if let subnet, subnet != known.subnet {
            what = "The cluster lives in \(known.subnet), the configuration asks for \(subnet)."
        } else if wanted != .auto, wanted.rawValue != known.source.rawValue {
            what =
                "The cluster was made from the package source \(known.source.rawValue), the configuration asks for"
                + " \(wanted.rawValue)."
        } else {
            return nil
        }
        return PgafError(
            .dataWouldBeLost, what,
            remedy: "Set it back, or \(Remedy.startAnew)")
    }

    /// `auto` is `pgdg` when everything that it needs can be had, else `debian`; why is told.
    private func source(_ configuration: Configuration, _ warnings: Warnings) async throws -> SoftwareSource {
        let settings = configuration.packages
        switch settings.source {
        case .pgdg: return .pgdg
        case .debian: return .debian
        case .auto: if bundle { return .debian }
        }
        let wanted = ClusterTopology(
            configuration: configuration, state: ClusterState.nominal(.pgdg), facts: facts, root: store.root)
        let probe = AptRepositories(runner: runner, files: store.files, proxy: settings[.proxy])
        for repository in wanted.repositories where try await !probe.answers(repository) {
            await warnings.add(
                "packages.source auto has chosen debian: \(repository.uri) with the suite \(repository.suite) does not"
                    + " answer within seconds, or has none of that name. That stays for this cluster.")
            return .debian
        }
        // An engine that is there may have a proxy or mirrors of its own.
        if !wanted.makesBaseImage, try await DockerEngine(runner: runner, files: store.files).isLacking(),
            try await RegistryProbe(wanted, runner, store.files).silence() != nil
        {
            await warnings.add(
                "packages.source auto has chosen debian: the registry \(wanted.baseReference.registry) of the base image does"
                    + " not answer within seconds. That stays for this cluster.")
            return .debian
        }
        let hosts = wanted.repositories.map { "\($0.uri) \($0.suite)" }
        await warnings.add(
            "packages.source auto has chosen pgdg: \(hosts.joined(separator: ", ")) answer. That stays for this cluster."
        )
        return .pgdg
    }
}
