import Shared

/// The image on which the nodes' image is built: made from the Debian archive without any registry, or pulled.
struct BaseImageStep: Step {
    let id = "base-image"
    let title = "the base image"
    let dependencies = ["docker"]

    static let hash = ContentHash.of(["base", BaseSystem.suite, "security"] + BaseSystem.packages)

    func inspect(_ context: AgentContext) async throws -> [Change] {
        guard context.topology.makesBaseImage else {
            let reference = Self.reference(context)
            return try await context.docker.imageIdentifier(reference.local) == nil
                ? [Change(.create, "image", "pull \(reference.pulled)")] : []
        }
        let reference = context.topology.baseImage
        let labels = try await context.docker.labels(of: "image", reference)
        let found = labels?[Label.hash]
        if found == Self.hash { return [] }
        let make = "make \(reference) from the Debian archive"
        guard labels != nil else { return [Change(.create, "image", make)] }
        let hashes = [found.map(ContentHash.short) ?? "no hash", ContentHash.short(Self.hash)]
        return [Change(.change, "image", "\(make) again: \(hashes.joined(separator: " → "))")]
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        if context.bundle { return try await Self.loadBundle(context) }
        guard context.topology.makesBaseImage else { return try await pull(context) }
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
    static let workspace = "/var/cache/pgaf-bootstrap"

    /// The command that makes the root file system. What it mounts ends with it, also when it is killed: whoever cleans up
    /// after it must not find the machine's own `/proc` and `/dev/shm` there.
    ///
    /// - Parameter proxy: through the environment, since what mmdebstrap is told of apt's options stays in the image.
    static func bootstrapCommand(sources: [String], target: String, proxy: String? = nil) -> Command {
        var environment = ["TMPDIR": workspace]
        if let proxy { for name in ["http_proxy", "https_proxy"] { environment[name] = proxy } }
        return Command(
            "unshare",
            ["--mount", "mmdebstrap"]
                + BaseSystem.bootstrapArguments(target: target, sources: sources),
            environment: environment, deadline: .seconds(3600))
    }

    private func bootstrap(_ target: String, _ context: AgentContext) async throws {
        let apt = context.apt
        let settings = context.configuration.packages
        if !context.files.exists("/usr/bin/mmdebstrap") {
            try await apt.install(["mmdebstrap", "debian-archive-keyring"], onLine: context.output(id))
        }
        let own = settings[.debian] == nil ? try await apt.debianArchive() : nil
        let archive = settings[.debian] ?? own?.main ?? ""
        let sources = BaseSystem.sources(archive, security: try await usable(own?.security, context))
        try context.files.makeDirectory(Self.workspace, mode: 0o755)
        defer { try? context.files.remove(Self.workspace) }
        let made = try await context.runner.run(
            Self.bootstrapCommand(sources: sources, target: target, proxy: settings[.proxy]),
            onLine: context.output(id))
        guard !made.succeeded else { return }
        let code = made.archiveFailure(otherwise: .imageBuildFailed)
        guard code != .diskFull else {
            throw PgafError(
                .diskFull, "The disk ran full while the base image was made in \(Self.workspace).",
                remedy: "Make room there (df -h \(Self.workspace)), then run `up` again.", output: made.lastLines())
        }
        throw PgafError(
            code, "The base image could not be made from \(archive).",
            remedy:
                "Check that the archive answers (`apt-get update` on the machine) or set packages.mirrors.debian, then run"
                + " `up` again.",
            cause: "mmdebstrap ended with status \(made.status)", output: made.lastLines())
    }

    /// The archive of security updates, where it has them for this suite: the machine is of another release, and its mirror
    /// may have no more than that one's.
    private func usable(_ security: String?, _ context: AgentContext) async throws -> String? {
        guard let security else { return nil }
        let release = "\(security)/dists/\(BaseSystem.suite)-security/InRelease"
        let target = "\(Self.workspace)/InRelease"
        try context.files.makeDirectory(Self.workspace, mode: 0o755)
        if try await context.repositories.fetch(release, to: target).succeeded { return security }
        await context.warnings.add(
            "The nodes' image is made without Debian's security updates: \(release) could not be fetched.")
        return nil
    }

    private func load(_ path: String, _ context: AgentContext) async throws {
        try await context.docker.checked([
            "import", "--change", "LABEL \(Label.hash)=\(Self.hash)", "--change", "LABEL \(Label.role)=image",
            path, context.topology.baseImage,
        ])
    }
}
