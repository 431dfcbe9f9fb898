import Shared

/// Whether the registry of the base image answers and has it, before Docker is installed for it.
struct RegistryProbe: Sendable {
    private let reference: ImageReference
    /// `http://HOST:PORT`: that of `packages.proxy`, which an engine that pgaf installs has too.
    private let proxy: String?
    private let runner: any CommandRunner
    private let files: MachineFiles

    init(_ topology: ClusterTopology, _ runner: any CommandRunner, _ files: MachineFiles) {
        reference = topology.baseReference
        proxy = topology.configuration.packages[.proxy]
        self.runner = runner
        self.files = files
    }

    /// Where registries answer, whatever they answer: one that wants a login is there, and Docker will say what it
    /// makes of it.
    ///
    /// Source: the registry's API, version 2.
    var address: String {
        "\(isOnLoopback ? "http" : "https")://\(reference.registry)/v2/"
    }

    /// There alone Docker does without TLS, and asks no proxy.
    private var isOnLoopback: Bool {
        let host = reference.registry
        return ["localhost", "127.0.0.1"].contains { host == $0 || host.hasPrefix("\($0):") }
    }

    /// Where it has what is known of the image, under tag or digest.
    var manifest: String { "\(address)\(reference.repository)/manifests/\(reference.version)" }

    /// What Docker takes. Registries say 404 of an index to whoever does not ask for one.
    ///
    /// Source: media types of Docker's image manifest, version 2, and of the OCI image specification.
    static let media = [
        "application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json",
    ]

    /// - Returns: what apt's helper says of a host that is not found or does not answer within seconds; nil for one that
    ///   does.
    func silence() async throws -> CommandResult? {
        try await ask(address).flatMap { Self.isSilence($0) ? $0 : nil }
    }

    private static func isSilence(_ result: CommandResult) -> Bool {
        result.status == gaveUp || result.archiveFailure(otherwise: .packagesFailed) == .archiveUnreachable
    }

    /// Whether no TLS came about with it, or none that the machine trusts, which is what an engine that is installed
    /// new would trust too; false where Docker has been told beforehand to take its certificate, or none.
    ///
    /// Source: methods/connect.cc of apt; its words of releases 2.6 (GnuTLS) and 3.0 (OpenSSL), which tell of untrusted
    /// certificates in the same lines.
    private func isDistrusted(_ result: CommandResult) throws -> Bool {
        guard result.tells(["Could not handshake", "SSL connection failed"]),
            !files.exists("/etc/docker/certs.d/\(reference.registry)")
        else { return false }
        return try files.read("/etc/docker/daemon.json")?.contains("insecure-registries") != true
    }

    /// - Returns: what apt's helper says of an image that is not there; nil for one that is, and for any other answer: a
    ///   registry that wants a token first (401) may have it, and Docker will say.
    func absence() async throws -> CommandResult? {
        guard let result = try await ask(manifest, accepting: Self.media) else { return nil }
        // As in `E: Failed to fetch http://HOST/PATH  404  Not Found [IP: …]`.
        return result.lastLines().contains { $0.contains("  404 ") } ? result : nil
    }

    /// Like `timeout`.
    private static let gaveUp: Int32 = 124

    /// - Returns: nil for what could be fetched, and where apt's helper is missing.
    private func ask(_ address: String, accepting media: [String] = []) async throws -> CommandResult? {
        let target = "/run/pgaf-registry-probe"
        defer { try? files.remove(target) }
        let command = Apt(runner: runner, proxy: isOnLoopback ? nil : proxy).fetchCommand(
            address, to: target, accepting: media, patience: 10, retries: 1, deadline: .seconds(60))
        do {
            let result = try await runner.run(command)
            return result.succeeded ? nil : result
        } catch let error as PgafError where error.code == .timeout {
            return CommandResult(status: Self.gaveUp, standardError: error.message)
        } catch let error as PgafError where error.code == .commandNotFound {
            return nil
        }
    }

    /// - Throws: `packages.archive-unreachable`; `packages.failed` for a registry that Docker would not trust, or that
    ///   does not have the image.
    func prove() async throws {
        let answer = try await ask(address)
        if let answer, Self.isSilence(answer) {
            throw PgafError(
                .archiveUnreachable, "The registry \(reference.registry) of the base image does not answer.",
                remedy: "Check the machine's network, or set packages.proxy; packages.mirrors.registry or image.base"
                    + " name another one; without image.base, packages.source: debian needs none.",
                cause: "\(address) could not be fetched", output: answer.lastLines())
        }
        if let answer, try isDistrusted(answer) {
            throw PgafError(
                .packagesFailed,
                "The registry \(reference.registry) of the base image speaks no TLS that the machine trusts.",
                remedy: "\(reference.trust) Then run `up` again.", cause: "\(address) could not be fetched",
                output: answer.lastLines())
        }
        if let absence = try await absence() {
            throw PgafError(
                .packagesFailed,
                "The registry \(reference.registry) has no base image \(reference.repository), \(reference.version).",
                remedy: reference.renewal.map { "Set packages.mirrors.registry to a registry that has it. \($0)" }
                    ?? "Set image.base to one that it has (now \(reference.text)), or packages.mirrors.registry to a"
                    + " registry that has this one; without image.base, packages.source: debian needs none.",
                cause: "\(manifest) is not there", output: absence.lastLines())
        }
    }
}
