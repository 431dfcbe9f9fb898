import Shared

/// A base image from a registry: what its tag is when it is pulled first is what the cluster stays on.
extension BaseImageStep {
    /// The base image as this run finds it on the machine: a bundle has it by the name of the configuration.
    static func reference(_ context: AgentContext) -> ImageReference {
        let reference = context.topology.baseReference
        return context.bundle ? ImageReference(reference.text, mirror: reference.mirror) : reference
    }

    /// Pulls it, by the digest that the cluster remembers or as the configuration has it.
    func pull(_ context: AgentContext) async throws {
        let reference = context.topology.baseReference
        let command = Command("docker", ["pull", reference.pulled], deadline: .seconds(3600))
        let pulled = try await context.runner.run(command, onLine: context.output(id))
        guard pulled.succeeded else {
            throw Docker.failure(
                command, pulled, code: .dockerFailed, what: "The base image \(reference.pulled) could not be pulled.",
                remedy: Self.isDistrust(pulled)
                    ? "The engine trusts no TLS of \(reference.registry), or finds none there. \(reference.trust) Then"
                        + " start the engine anew (`sudo systemctl restart docker`, which stops all containers for that"
                        + " time) and run `up` again."
                    : Self.remedy(reference, proxy: context.configuration.packages[.proxy]))
        }
        if reference.local != reference.pulled {
            try await context.docker.checked(["tag", reference.pulled, reference.local])
        }
        if reference.digest == nil { try await remember(reference, context) }
    }

    /// Whether Docker refused the registry's certificate, or met none.
    ///
    /// Source: the words of Go's crypto/x509, crypto/tls and net/http.
    private static func isDistrust(_ pulled: CommandResult) -> Bool {
        pulled.tells(["x509: ", "tls: ", "server gave HTTP response to HTTPS client"])
    }

    private static func remedy(_ reference: ImageReference, proxy: String?) -> String {
        "Check that the registry answers and has it: `docker pull \(reference.pulled)` on the machine."
            + " packages.mirrors.registry or image.base name another one."
            + " \(proxy.map(EngineProxy.remedy) ?? "Docker has a proxy setting of its own.")"
            + (reference.renewal.map { " \($0)" } ?? "")
    }

    /// Keeps what a tag was that has just been pulled, and gives the image a name that does not move with the tag.
    ///
    /// Only `up` has the cluster's memory as it is: `prepare` makes images for whoever comes.
    private func remember(_ reference: ImageReference, _ context: AgentContext) async throws {
        let store = ClusterStore(files: context.files)
        guard try store.isCurrent(context.topology, context.secrets) else { return }
        let known = try await context.docker.registryDigests(of: reference.pulled)
        guard let digest = reference.registryDigest(among: known) else { return }
        let topology = context.topology.remembering(base: digest)
        try await context.docker.checked(["tag", reference.pulled, topology.baseImage])
        try store.save(topology, context.secrets)
        await context.output(id)("\(reference.text) is \(digest); remembered")
    }

    /// Loads a bundle's images: the cluster stands on these from then on, whatever the tag was in a registry.
    static func loadBundle(_ context: AgentContext) async throws {
        try await BundleParts.loadImages(context)
        let store = ClusterStore(files: context.files)
        if context.topology.state.base != nil, try store.isCurrent(context.topology, context.secrets) {
            try store.save(context.topology.remembering(base: nil), context.secrets)
        }
    }
}

extension ImageReference {
    /// How Docker comes to trust the registry.
    var trust: String {
        "Compare the machine's clock, and if the registry is not yours, set packages.mirrors.registry or image.base to"
            + " another one: somebody may stand between you and this one. For one with a certificate of your own put"
            + " its authority's on the machine as /etc/docker/certs.d/\(registry)/ca.crt, or as"
            + " /usr/local/share/ca-certificates/NAME.crt with `sudo update-ca-certificates`; for one on plain HTTP"
            + " write `{\"insecure-registries\": [\"\(registry)\"]}` into /etc/docker/daemon.json there."
    }

    /// How to take another image on purpose than the one that is remembered; nil where none is.
    var renewal: String? {
        guard isRemembered else { return nil }
        let question = "docker pull \(ImageReference(text, mirror: mirror).pulled)"
        return "The cluster stays on what \(text) was when it was pulled first. To take what it is now, set image.base"
            + " to \(text)@sha256:DIGEST with the digest that `\(question)` prints, or to another tag; all containers"
            + " are then made anew, one after another."
    }
}
