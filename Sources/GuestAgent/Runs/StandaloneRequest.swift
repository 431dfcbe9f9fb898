import FoundationEssentials
import Shared

/// A request without a host: from a file on the machine, with the passwords that the machine remembers.
struct StandaloneRequest: Sendable {
    let store: ClusterStore

    func make(file: String?, overrides: [String]) throws -> Request {
        let loaded = try ConfigurationLoader.load(
            file: file, environment: ProcessInfo.processInfo.environment, overrides: overrides.map(Self.split))
        let configuration = loaded.configuration
        let remembered = try store.secrets(configuration.cluster) ?? .generate()
        return Request(
            run: RunIdentifier.new(), configuration: configuration,
            secrets: try PasswordResolution(files: store.files).resolve(configuration.passwords, remembered: remembered))
    }

    private static func split(_ text: String) throws -> ConfigurationLoader.Override {
        try ConfigurationLoader.Override(flag: text)
    }
}
