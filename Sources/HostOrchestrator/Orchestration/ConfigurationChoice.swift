import Shared

/// What the command line says about the configuration; flags beat the environment, the file and the defaults.
struct ConfigurationChoice: Sendable, Equatable {
    /// nil means `PGAF_CONFIG`, else `pgaf.yaml` if there is one.
    var file: String?
    /// `KEY=VALUE`, in the order given.
    var settings: [String] = []
    var nodes: Int?
    var machine: String?
    var provider: String?

    /// Variables of pgaf that belong to no key of the configuration.
    static let otherVariables: Set = ["PGAF_CONFIG", "PGAF_AGENT"]

    /// The flags as the loader takes them; `--set` comes last and so wins over the flags of their own.
    func overrides() throws -> [ConfigurationOverride] {
        var overrides: [ConfigurationOverride] = []
        if let nodes { overrides.append(.init(key: "nodes", value: String(nodes), flag: "--nodes")) }
        if let machine { overrides.append(.init(key: "machine.kind", value: machine, flag: "--machine")) }
        if let provider {
            overrides.append(.init(key: "machine.vagrant.provider", value: provider, flag: "--provider"))
        }
        return try overrides + settings.map { try ConfigurationOverride(setting: $0) }
    }

    /// Loads what is chosen; where there is no file, over what the last `up` made in this directory.
    ///
    /// - Throws: `usage`, `file.failed`, `file.unsafe`, and the codes of `configuration.…`.
    func load(in project: ProjectDirectory, environment: [String: String]) throws -> LoadedConfiguration {
        var path = (file ?? environment["PGAF_CONFIG"].flatMap { $0.isEmpty ? nil : $0 })
            .map { LocalPath.absolute($0, in: project.path, home: environment["HOME"]) }
        if path == nil, MachineFiles().exists(project.configurationFile) { path = project.configurationFile }
        // It names commands that are run here, and what root does in the machine.
        if let path { try MachineFiles().requireTrust(path, alone: false) }
        let made = path == nil ? try ClusterMemory.load(project)?.configuration : nil
        var loaded = try ConfigurationLoader.load(
            over: made ?? Configuration(), file: path, environment: environment, otherVariables: Self.otherVariables,
            overrides: try overrides())
        loaded.warnings += MachineFiles().exposedSecrets(
            loaded.configuration, directory: project.path, home: environment["HOME"])
        return loaded
    }
}
