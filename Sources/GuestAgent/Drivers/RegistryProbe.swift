import Shared

/// Whether the registry of the base image answers, before Docker is installed for it.
struct RegistryProbe: Sendable {
    private let reference: ImageReference
    private let runner: any CommandRunner
    private let files: MachineFiles

    init(_ topology: ClusterTopology, _ runner: any CommandRunner, _ files: MachineFiles) {
        reference = topology.baseReference
        self.runner = runner
        self.files = files
    }

    /// Where registries answer, whatever they answer: one that wants a login or has another certificate is there, and
    /// Docker will say what it makes of it.
    ///
    /// Source: the registry's API, version 2.
    var address: String {
        let host = reference.registry
        // As Docker does: without TLS on loopback alone.
        let isLoopback = ["localhost", "127.0.0.1"].contains { host == $0 || host.hasPrefix("\($0):") }
        return "\(isLoopback ? "http" : "https")://\(host)/v2/"
    }

    /// Without pgaf's proxy, which Docker does not use.
    ///
    /// - Returns: what apt's helper says of a host that is not found or does not answer within seconds; nil for one that
    ///   does.
    func silence() async throws -> CommandResult? {
        let target = "/run/pgaf-registry-probe"
        defer { try? files.remove(target) }
        let command = Apt(runner: runner).fetchCommand(
            address, to: target, patience: 10, retries: 1, deadline: .seconds(60))
        do {
            let result = try await runner.run(command)
            return !result.succeeded && result.archiveFailure(otherwise: .packagesFailed) == .archiveUnreachable
                ? result : nil
        } catch let error as PgafError where error.code == .timeout {
            return CommandResult(status: 124, standardError: error.message)
        } catch let error as PgafError where error.code == .commandNotFound {
            return nil
        }
    }

    /// - Throws: `packages.archive-unreachable`.
    func prove() async throws {
        guard let silence = try await silence() else { return }
        throw PgafError(
            .archiveUnreachable, "The registry \(reference.registry) of the base image does not answer.",
            remedy: "Check the machine's network; packages.mirrors.registry or image.base name another one, or set"
                + " packages.source: debian, which needs none.",
            cause: "\(address) could not be fetched", output: silence.lastLines())
    }
}
