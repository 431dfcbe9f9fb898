import ArgumentParser
import FoundationEssentials
import Shared

/// A configuration that the agent is given by hand, without a host.
struct StandaloneOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Read this pgaf.yaml; no request is read then.", valueName: "file"))
    var config: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Override one key of the file, or of the defaults.", valueName: "key=value"))
    var overrides: [String] = []

    /// Whether there is one.
    var isAlone: Bool { config != nil || !overrides.isEmpty }

    /// The user's files with secrets that others may read, a sentence each.
    func exposedSecrets(_ configuration: Configuration) -> [String] {
        guard isAlone else { return [] }
        return MachineFiles().exposedSecrets(
            configuration, directory: FileManager.default.currentDirectoryPath,
            home: ProcessInfo.processInfo.environment["HOME"])
    }

    /// - Throws: the codes of `configuration.…`, `usage`.
    func load(environment: [String: String] = ProcessInfo.processInfo.environment) throws -> Configuration {
        if let config { try MachineFiles().requireTrust(config, alone: false) }
        return try ConfigurationLoader.load(
            file: config, environment: environment,
            overrides: overrides.map { try ConfigurationOverride(setting: $0) }
        ).configuration
    }
}
