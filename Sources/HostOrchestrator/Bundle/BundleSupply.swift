import Shared

/// Brings what is in a bundle to where `up` takes it from.
struct BundleSupply: Sendable {
    let bundle: Bundle
    let project: ProjectDirectory

    /// Puts the agent where this and later verbs find it, once the machine is known to be one that the bundle is for.
    func placeAgent() async throws {
        try await bundle.extract(.agent, to: project.bundledAgent, mode: [.ownerReadWriteExecute])
    }

    /// What can be known before a virtual machine is made.
    ///
    /// - Returns: where its box comes from, unless that is the bundle's own; nil also where none is made.
    /// - Throws: `bundle.unfit` where it would lack the images, or have another architecture, which is this computer's
    ///   own; `vagrant.missing`, `vagrant.provider-missing`.
    func foresee(_ configuration: Configuration, _ runner: any CommandRunner) async throws -> String? {
        let settings = configuration.machine.vagrant
        guard let provider = try await maker(configuration, runner) else { return nil }
        let own = try await runner.run(Command("uname", ["-m"])).trimmedOutput
        // macOS has a name of its own for it.
        try bundle.manifest.check(architecture: own == "arm64" ? "aarch64" : own, of: "this computer")
        if settings.box == nil, provider == .virtualbox, bundle.manifest.images == nil {
            throw MachineSupplies.lacking("the images of the cluster's nodes")
        }
        return bundle.manifest.otherBox(settings, provider)
    }

    /// The provider of a virtual machine that has to be made; nil where none has.
    private func maker(_ configuration: Configuration, _ runner: any CommandRunner) async throws -> VagrantProvider? {
        guard configuration.machine.kind == .vagrant, VagrantProvider.existing(in: project) == nil else { return nil }
        return try await VagrantProvider.resolve(
            configuration.machine.vagrant.provider, project: project, runner: runner)
    }

    /// Puts the box where Vagrant finds it.
    ///
    /// - Returns: the context for the run, with the agent that `placeAgent` puts there.
    func atHome(_ context: HostContext, _ configuration: Configuration) async throws -> HostContext {
        var context = context
        context.agentFile = project.bundledAgent
        guard configuration.machine.vagrant.box == nil, bundle.manifest.has(.box),
            try await maker(configuration, context.runner) == .libvirt
        else { return context }
        try await withParts { directory in
            let box = "\(directory)/\(BundleManifest.Part.box.rawValue)"
            try await bundle.extract(.box, to: box, mode: .ownerReadWrite)
            try await context.runner.checked(
                VagrantCommand.addBox(box, name: Box.name), code: .vagrantFailed,
                what: "Vagrant did not take the bundle's box.",
                remedy: "Unpack it with `tar -xf \(bundle.path) \(BundleManifest.Part.box.rawValue)`, and see why with"
                    + " `vagrant box add --name \(Box.name) \(BundleManifest.Part.box.rawValue)`.")
        }
        // Named to the machine alone, so that nobody asks whether it is current, which takes a package archive.
        let machine = context.machine
        context.machine = { configuration, log in
            var configuration = configuration
            configuration.machine.vagrant.box = Box.name
            return try await machine(configuration, log)
        }
        return context
    }

    /// What the machine lacks and the bundle has; the agent need not be there yet.
    ///
    /// - Parameter fresh: whether the cluster that there is does not count, since it is removed.
    /// - Throws: `bundle.unfit`.
    func needed(
        by client: AgentClient, _ configuration: Configuration, fresh: Bool
    ) async throws -> [BundleManifest.Part] {
        let question = MachineSupplies.question(
            base: configuration.baseImage, image: configuration.image.reference, cluster: configuration.cluster)
        let answer = try await client.connection.collect(client.invocation.root(question))
        let supplies = MachineSupplies(answer.standardOutput)
        if supplies.isFromPGDG, !fresh { throw PgafError.bundleForAnotherSource(than: configuration.cluster) }
        return try supplies.needed(of: bundle.manifest)
    }

    /// Sends what the machine lacks.
    ///
    /// - Parameters:
    ///   - parts: as `needed` says.
    ///   - say: told what is sent, and which fraction of it has been.
    /// - Returns: whether anything was.
    func send(
        _ parts: [BundleManifest.Part], over client: AgentClient,
        _ say: @escaping @Sendable (String, Double) async -> Void
    ) async throws -> Bool {
        for part in parts {
            let place = part == .images ? BundlePlace.images : BundlePlace.packages
            let words = part == .images ? "sending the images" : "sending the packages"
            try await withParts { directory in
                let file = "\(directory)/\(part.rawValue)"
                try await bundle.extract(part, to: file, mode: .ownerReadWrite)
                try await client.connection.upload(
                    file, to: place, mode: 0o600, privileged: client.invocation.needsSudo,
                    onProgress: { await say(words, $0) })
            }
        }
        return !parts.isEmpty
    }

    /// Works with a directory for parts, which is empty before and gone afterwards.
    private func withParts(_ work: (String) async throws -> Void) async throws {
        let files = MachineFiles()
        try files.remove(project.bundleParts)
        try files.makeDirectory(project.bundleParts)
        defer { try? files.remove(project.bundleParts) }
        try await work(project.bundleParts)
    }
}
