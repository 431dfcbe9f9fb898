import Shared

/// `pgaf-host init`: the configuration file to start from; beside a cluster, the one that leaves it as it is.
enum Initialization {
    static func run(file: String, in context: HostContext) throws {
        let path = LocalPath.absolute(file, in: context.project.path, home: context.environment["HOME"])
        guard !MachineFiles().exists(path) else {
            throw PgafError(
                .fileFailed, "\(path) exists already; it was not touched.",
                remedy: "Edit it, or write a new one beside it: `pgaf-host init --config other.yaml`.")
        }
        let made = try ClusterMemory.load(context.project)?.configuration
        try MachineFiles().write(ConfigurationReference.example(made ?? Configuration()), to: path, mode: 0o644)
        context.note(
            made == nil
                ? "wrote \(path): every key with its default; change or remove what you like"
                : "wrote \(path): every key, with the values of the cluster of this directory; change what you like")
    }
}
