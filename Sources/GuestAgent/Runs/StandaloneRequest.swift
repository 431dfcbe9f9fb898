import FoundationEssentials
import Shared

/// A request without a host: from a file on the machine, with passwords from where that says.
struct StandaloneRequest: Sendable {
    let store: ClusterStore
    let environment: [String: String]
    /// Where relative paths of password files begin.
    let directory: String
    /// What is to be done once the configuration is known, before any program is started.
    private let withdraw: @Sendable (Configuration) -> Void

    /// With this process's environment, from which the passwords are taken out, and its directory.
    init(store: ClusterStore) {
        self.init(
            store: store, environment: ProcessInfo.processInfo.environment,
            directory: FileManager.default.currentDirectoryPath, withdraw: OwnEnvironment.withdrawPasswords)
    }

    init(
        store: ClusterStore, environment: [String: String], directory: String,
        withdraw: @escaping @Sendable (Configuration) -> Void = { _ in }
    ) {
        self.store = store
        self.environment = environment
        self.directory = directory
        self.withdraw = withdraw
    }

    /// - Parameter options: what else the run should do.
    /// - Throws: the codes of `configuration.…`, `secret.unavailable`.
    func make(_ alone: StandaloneOptions, options: Request.Options = Request.Options()) async throws -> Request {
        let configuration = try alone.load(environment: environment)
        withdraw(configuration)
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
