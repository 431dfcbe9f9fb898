import Shared

/// The image on which the nodes' image is built: made from the Debian archive without any registry, or pulled.
struct BaseImageStep: Step {
    let id = "base-image"
    let title = "the base image"
    let dependencies = ["docker"]

    static let hash = ContentHash.of(["base", BaseSystem.suite] + BaseSystem.packages)

    func inspect(_ context: AgentContext) async throws -> [Change] {
        let reference = context.topology.baseImage
        guard context.topology.makesBaseImage else {
            return try await context.docker.imageIdentifier(reference) == nil
                ? [Change(.create, "image", "pull \(reference)")] : []
        }
        let labels = try await context.docker.labels(of: "image", reference)
        let found = labels?[Label.hash]
        if found == Self.hash { return [] }
        let make = "make \(reference) from the Debian archive"
        guard labels != nil else { return [Change(.create, "image", make)] }
        let hashes = [found.map(ContentHash.short) ?? "no hash", ContentHash.short(Self.hash)]
        return [Change(.change, "image", "\(make) again: \(hashes.joined(separator: " → "))")]
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        if context.bundle { return try await BundleParts.loadImages(context) }
        guard context.topology.makesBaseImage else {
            try await context.docker.checked(
                ["pull", context.topology.baseImage],
                what: "The base image \(context.topology.baseImage) could not be pulled.",
                onLine: context.output(id))
            return
        }
        if context.files.exists(BaseSystem.prepared) {
            try await load(BaseSystem.prepared, context)
        } else {
            let made = "\(ClusterStore.defaultRoot)/base.tar"
            defer { try? context.files.remove(made) }
            try await bootstrap(made, context)
            try await load(made, context)
        }
    }

    /// Where the root file system is laid out: a place that apt's own user can reach and nobody else can take, removed by
    /// whoever comes next should the run be killed.
    static let workspace = "/var/cache/pgaf"

    /// The command that makes the root file system.
    static func bootstrapCommand(archive: String, target: String) -> Command {
        Command(
            "mmdebstrap",
            BaseSystem.bootstrapArguments(
                target: target, source: "deb \(archive) \(BaseSystem.suite) main"),
            environment: ["TMPDIR": workspace], deadline: .seconds(3600))
    }

    private func bootstrap(_ target: String, _ context: AgentContext) async throws {
        let apt = Apt(runner: context.runner)
        if !context.files.exists("/usr/bin/mmdebstrap") {
            try await apt.install(["mmdebstrap", "debian-archive-keyring"], onLine: context.output(id))
        }
        let archive = try await apt.debianArchive()
        try context.files.makeDirectory(Self.workspace, mode: 0o755)
        defer { try? context.files.remove(Self.workspace) }
        try await context.runner.checked(
            Self.bootstrapCommand(archive: archive, target: target), code: .imageBuildFailed,
            what: "The base image could not be made from \(archive).",
            remedy: "Check that the archive answers (`apt-get update` on the machine), then run `up` again.",
            onLine: context.output(id))
    }

    private func load(_ path: String, _ context: AgentContext) async throws {
        try await context.docker.checked([
            "import", "--change", "LABEL \(Label.hash)=\(Self.hash)", "--change", "LABEL \(Label.role)=image",
            path, context.topology.baseImage,
        ])
    }
}
