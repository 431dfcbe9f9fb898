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
        let proxy = context.configuration.packages[.proxy]
        try await context.docker.checked(
            ["pull", reference.pulled], what: "The base image \(reference.pulled) could not be pulled.",
            remedy: "Check that the registry answers and has it: `docker pull \(reference.pulled)` on the machine."
                + " packages.mirrors.registry or image.base name another one."
                + " \(proxy.map(EngineProxy.remedy) ?? "Docker has a proxy setting of its own.")"
                + (reference.renewal.map { " \($0)" } ?? ""),
            onLine: context.output(id))
        if reference.local != reference.pulled {
            try await context.docker.checked(["tag", reference.pulled, reference.local])
        }
        if reference.digest == nil { try await remember(reference, context) }
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
    /// How to take another image on purpose than the one that is remembered; nil where none is.
    var renewal: String? {
        guard isRemembered else { return nil }
        let question = "docker pull \(ImageReference(text, mirror: mirror).pulled)"
        return "The cluster stays on what \(text) was when it was pulled first. To take what it is now, set image.base"
            + " to \(text)@sha256:DIGEST with the digest that `\(question)` prints, or to another tag; all containers"
            + " are then made anew, one after another."
    }
}
