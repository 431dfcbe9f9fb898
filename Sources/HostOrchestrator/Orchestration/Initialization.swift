import Shared

/// `pgaf-host init`: the configuration file to start from.
enum Initialization {
    static func run(file: String, in context: HostContext) throws {
        let path = LocalPath.absolute(file, in: context.project.path, home: context.environment["HOME"])
        guard !MachineFiles().exists(path) else {
            throw PgafError(
                .fileFailed, "\(path) exists already; it was not touched.",
                remedy: "Edit it, or write a new one beside it: `pgaf-host init --config other.yaml`.")
        }
        try MachineFiles().write(ConfigurationReference.example(), to: path, mode: 0o644)
        context.note("wrote \(path): every key with its default; change or remove what you like")
    }
}
