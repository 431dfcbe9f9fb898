import FoundationEssentials
import Shared

/// The nodes' image, rebuilt only when the hash of its inputs changes.
struct ImageStep: Step {
    let id = "image"
    let title = "the PostgreSQL and pg_auto_failover image"
    let dependencies = ["base-image"]

    func inspect(_ context: AgentContext) async throws -> [Change] {
        let reference = context.configuration.image.reference
        let wanted = try await ImageIdentity.wanted(context)
        let labels = try await context.docker.labels(of: "image", reference)
        let found = labels?[Label.hash]
        if let wanted, found == wanted { return [] }
        guard labels != nil else {
            return [Change(.create, "image", "build \(reference)\(wanted.map { ", \(ContentHash.short($0))" } ?? "")")]
        }
        let hashes = [
            found.map(ContentHash.short) ?? "no hash", wanted.map(ContentHash.short) ?? "on another base image",
        ]
        return [Change(.change, "image", "rebuild \(reference): \(hashes.joined(separator: " → "))")]
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        if context.bundle { return try await BaseImageStep.loadBundle(context) }
        let directory = "\(ClusterStore.defaultRoot)/build-\(context.configuration.cluster)"
        try context.files.remove(directory)
        try context.files.makeDirectory(directory)
        defer { try? context.files.remove(directory) }
        guard let hash = try await ImageIdentity.wanted(context) else {
            throw PgafError(
                .imageBuildFailed, "The base image \(context.topology.baseImage) is gone.", remedy: "Run `up` again.")
        }
        let files = context.topology.imageFiles(try await repository(context))
        try context.files.write(files.dockerfile, to: "\(directory)/Dockerfile")
        try context.files.write(files.entrypoint, to: "\(directory)/entrypoint.sh")
        // apt's own user reads them in the image, and `COPY` keeps modes.
        for (name, text) in files.extra { try context.files.write(text, to: "\(directory)/\(name)", mode: 0o644) }
        let events = context.events
        try await context.docker.checked(
            Self.buildArguments(
                reference: context.configuration.image.reference, hash: hash,
                inputs: ImageIdentity.inputs(context.topology), directory: directory,
                network: try await network(context), proxy: context.configuration.packages[.proxy]),
            code: .imageBuildFailed, what: "The image \(context.configuration.image.reference) could not be built."
        ) { line in
            if let fraction = BuildProgress.fraction(of: line) {
                await events.write(.stepProgress(step: id, fraction: fraction, message: nil))
            }
            await events.write(.stepOutput(step: id, line: line))
        }
    }

    /// PGDG's repository for the base image's own release, proven on the machine; nil for the source `debian`.
    private func repository(_ context: AgentContext) async throws -> (repository: AptRepository, key: String)? {
        guard context.topology.state.source == .pgdg else { return nil }
        let base = context.topology.baseImage
        let release = try await context.docker.checked(
            HelperContainer.run + ["--entrypoint", "cat", base, "/etc/os-release"],
            code: .imageBuildFailed, what: "The base image \(base) does not tell what system it is.",
            remedy: "Set image.base to an image of Debian or Ubuntu.")
        guard let codename = MachineFacts.fields(release.standardOutput)["VERSION_CODENAME"],
            !codename.isEmpty, codename.utf8.allSatisfy({ (97...122).contains($0) })
        else {
            throw PgafError(
                .imageBuildFailed, "The base image \(base) has no release of Debian or Ubuntu in it.",
                remedy: "Set image.base to an image of Debian or Ubuntu.", output: release.lastLines())
        }
        let repository = context.topology.imageRepository(codename)
        let packages = context.topology.imagePackages
        let key = try await context.repositories.prove(repository, packages: packages, onLine: context.output(id))
        return (repository, key)
    }

    /// The machine's own network where the engine has no bridge (`"bridge": "none"`, or the engine that fills a box):
    /// the build has to reach the archive. Not always, since engines that remap user ids refuse it.
    private func network(_ context: AgentContext) async throws -> String? {
        try await context.docker.labels(of: "network", "bridge") == nil ? "host" : nil
    }

    /// - Parameters:
    ///   - inputs: what a host compares that cannot know the hash.
    ///   - network: nil means the engine's default.
    ///   - proxy: for what the build fetches; Docker keeps variables of these names out of the image and its history.
    static func buildArguments(
        reference: String, hash: String, inputs: String? = nil, directory: String, network: String?,
        proxy: String? = nil
    ) -> [String] {
        let variables = proxy.map { proxy in ["http_proxy", "https_proxy"].map { "\($0)=\(proxy)" } } ?? []
        var labels = ["\(Label.hash)=\(hash)", "\(Label.role)=image"]
        if let inputs { labels.append("\(Label.inputs)=\(inputs)") }
        let build = ["build", "--force-rm"] + labels.flatMap { ["--label", $0] }
        return build + (network.map { ["--network", $0] } ?? []) + variables.flatMap { ["--build-arg", $0] }
            + ["--tag", reference, directory]
    }
}

/// The hash that tells whether an image is the one that the nodes should have.
enum ImageIdentity {
    /// The hash that the image should carry; nil while something that it is made of is not there.
    static func wanted(_ context: AgentContext) async throws -> String? {
        // In a plan: a base image that will be made anew gets an id that nobody knows yet.
        let seen = context.snapshot?.images[context.topology.baseImage]
        if context.topology.makesBaseImage, let seen, seen.labels[Label.hash] != BaseImageStep.hash { return nil }
        guard let base = try await context.docker.imageIdentifier(BaseImageStep.reference(context).local) else {
            return nil
        }
        return context.topology.imageHash(baseIdentifier: base)
    }

    /// A hash of everything that the images are made from, whatever id the base image has.
    static func inputs(_ topology: ClusterTopology) -> String {
        ContentHash.of([
            BaseImageStep.hash, topology.baseImage, topology.configuration.image.reference,
            topology.imageHash(baseIdentifier: ""),
        ])
    }
}

/// Reads how far an image build is from the lines of either builder.
enum BuildProgress {
    /// `Step 3/10 : RUN …` of the classic builder, `#7 [3/10] RUN …` of BuildKit; the fraction of steps begun before.
    static func fraction(of line: String) -> Double? {
        let pair: Substring
        if line.hasPrefix("Step ") {
            pair = line.dropFirst(5).prefix { !$0.isWhitespace }
        } else if line.hasPrefix("#"), let open = line.firstIndex(of: "["),
            let close = line[open...].firstIndex(of: "]")
        {
            pair = line[line.index(after: open)..<close].split(separator: " ").last ?? ""
        } else {
            return nil
        }
        let numbers = pair.split(separator: "/").compactMap { Double($0) }
        guard numbers.count == 2, numbers[1] > 0, numbers[0] <= numbers[1] else { return nil }
        return (numbers[0] - 1) / numbers[1]
    }
}
