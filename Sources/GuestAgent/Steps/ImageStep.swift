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
        if context.bundle { return try await BundleParts.loadImages(context) }
        let directory = "\(ClusterStore.defaultRoot)/build-\(context.configuration.cluster)"
        try context.files.remove(directory)
        try context.files.makeDirectory(directory)
        defer { try? context.files.remove(directory) }
        try await fetchKey(context)
        let base = context.topology.baseImage
        guard let files = try ImageIdentity.files(context), let hash = try await ImageIdentity.wanted(context) else {
            throw PgafError(.imageBuildFailed, "The base image \(base) is gone.", remedy: "Run `up` again.")
        }
        try context.files.write(files.dockerfile, to: "\(directory)/Dockerfile")
        try context.files.write(files.entrypoint, to: "\(directory)/entrypoint.sh")
        for (name, text) in files.extra { try context.files.write(text, to: "\(directory)/\(name)") }
        let events = context.events
        try await context.docker.checked(
            Self.buildArguments(
                reference: context.configuration.image.reference, hash: hash, directory: directory,
                network: try await network(context)),
            code: .imageBuildFailed, what: "The image \(context.configuration.image.reference) could not be built."
        ) { line in
            if let fraction = BuildProgress.fraction(of: line) {
                await events.write(.stepProgress(step: id, fraction: fraction, message: nil))
            }
            await events.write(.stepOutput(step: id, line: line))
        }
    }

    private func fetchKey(_ context: AgentContext) async throws {
        guard context.topology.state.source == .pgdg else { return }
        let repository = SoftwareSource.pgdg(ClusterTopology.pgdgBaseCodename)
        guard !context.files.exists(repository.keyring) else { return }
        let key = try await AptRepositories(runner: context.runner, files: context.files).verifiedKey(repository)
        try context.files.makeDirectory("/etc/apt/keyrings", mode: 0o755)
        try context.files.write(key, to: repository.keyring, mode: 0o644)
    }

    /// The machine's own network where the engine has no bridge (`"bridge": "none"`, or the engine that fills a box):
    /// the build has to reach the archive. Not always, since engines that remap user ids refuse it.
    private func network(_ context: AgentContext) async throws -> String? {
        try await context.docker.labels(of: "network", "bridge") == nil ? "host" : nil
    }

    /// - Parameter network: nil means the engine's default.
    static func buildArguments(reference: String, hash: String, directory: String, network: String?) -> [String] {
        ["build", "--force-rm", "--label", "\(Label.hash)=\(hash)", "--label", "\(Label.role)=image"]
            + (network.map { ["--network", $0] } ?? []) + ["--tag", reference, directory]
    }
}

/// What the nodes' image is made of, and the hash that tells whether an image is that one.
enum ImageIdentity {
    /// The files; nil while the verified key of PGDG, which is one of them, is not on the machine.
    static func files(_ context: AgentContext) throws -> ImageFiles? {
        guard context.topology.state.source == .pgdg else { return context.topology.imageFiles(pgdgKey: nil) }
        let key = try context.files.read(SoftwareSource.pgdg(ClusterTopology.pgdgBaseCodename).keyring)
        return key.map { context.topology.imageFiles(pgdgKey: $0) }
    }

    /// The hash that the image should carry; nil while something that it is made of is not there.
    static func wanted(_ context: AgentContext) async throws -> String? {
        // In a plan: a base image that will be made anew gets an id that nobody knows yet.
        let seen = context.snapshot?.images[context.topology.baseImage]
        if context.topology.makesBaseImage, let seen, seen.labels[Label.hash] != BaseImageStep.hash { return nil }
        guard let base = try await context.docker.imageIdentifier(context.topology.baseImage) else { return nil }
        return try files(context)?.hash(baseIdentifier: base)
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
