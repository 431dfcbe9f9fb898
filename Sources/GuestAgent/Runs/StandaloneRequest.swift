import FoundationEssentials
import Shared

/// A request without a host: from a file on the machine, with passwords from where that says.
struct StandaloneRequest: Sendable {
    let store: ClusterStore
    var environment = ProcessInfo.processInfo.environment
    /// Where relative paths of password files begin.
    var directory = FileManager.default.currentDirectoryPath

    /// - Parameters:
    ///   - file: a pgaf.yaml; nil means the defaults.
    ///   - overrides: `KEY=VALUE` texts.
    ///   - options: what else the run should do.
    /// - Throws: the codes of `configuration.…`, `secret.unavailable`.
    func make(file: String?, overrides: [String], options: Request.Options = Request.Options()) throws -> Request {
        let loaded = try ConfigurationLoader.load(
            file: file, environment: environment, overrides: overrides.map { try ConfigurationOverride(setting: $0) })
        let configuration = loaded.configuration
        // Those that are made now are remembered by the run, once it has the machine for itself.
        let secrets = try store.passwords(configuration.cluster, directory: directory, environment: environment)
            .resolve(configuration.passwords, missing: .made)
        return Request(run: RunIdentifier.new(), configuration: configuration, secrets: secrets, options: options)
    }
}
