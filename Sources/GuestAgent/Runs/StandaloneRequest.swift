import FoundationEssentials
import Shared

/// A request without a host: from a file on the machine, with the passwords that the machine remembers.
struct StandaloneRequest: Sendable {
    let store: ClusterStore

    /// - Parameters:
    ///   - file: a pgaf.yaml; nil means the configuration of the last `up`, or the defaults.
    ///   - overrides: `KEY=VALUE` texts.
    ///   - options: what else the run should do.
    func make(file: String?, overrides: [String], options: Request.Options = Request.Options()) throws -> Request {
        let loaded = try ConfigurationLoader.load(
            file: file, environment: ProcessInfo.processInfo.environment,
            overrides: overrides.map { try ConfigurationOverride(setting: $0) })
        let configuration = loaded.configuration
        return Request(
            run: RunIdentifier.new(), configuration: configuration,
            secrets: try store.secrets(configuration.cluster) ?? .generate(), options: options)
    }
}
