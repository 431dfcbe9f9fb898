import FoundationEssentials
import Shared

/// A request without a host: from a file on the machine, with passwords from where that says.
struct StandaloneRequest: Sendable {
    let store: ClusterStore
    var environment = ProcessInfo.processInfo.environment
    /// Where relative paths of password files begin.
    var directory = FileManager.default.currentDirectoryPath

    /// - Parameter options: what else the run should do.
    /// - Throws: the codes of `configuration.…`, `secret.unavailable`.
    func make(_ alone: StandaloneOptions, options: Request.Options = Request.Options()) async throws -> Request {
        let configuration = try alone.load(environment: environment)
        // Those that are made now are remembered by the run, once it has the machine for itself.
        let secrets = try await store.passwords(configuration.cluster, directory: directory, environment: environment)
            .resolve(configuration.passwords, missing: .made)
        let certificates = try SuppliedCertificates(
            configuration, directory: directory, home: environment["HOME"], files: store.files)
        return Request(
            run: RunIdentifier.new(), configuration: configuration, secrets: secrets, certificates: certificates,
            options: options)
    }
}
