extension MachineFiles {
    /// The user's own files with secrets, which the configuration names, that more people than their owner may read; a
    /// sentence each. None is refused for that.
    ///
    /// - Parameters:
    ///   - directory: where a relative path begins.
    ///   - home: what `~` stands for.
    public func exposedSecrets(_ configuration: Configuration, directory: String, home: String?) -> [String] {
        var paths: Set<String> = []
        for case (_, .file(let path)) in PasswordStore.sources(configuration.passwords) { paths.insert(path) }
        if let folder = configuration.access.certificates {
            for name in [configuration.monitor.name] + configuration.nodes.map(\.name) {
                paths.insert("\(folder)/\(name).key")
            }
        }
        return paths.map { LocalPath.absolute($0, in: directory, home: home) }.sorted().filter(isExposed).map {
            "\($0) has a secret in it, and others than its owner may read it: `chmod go-r \($0)` takes that away."
        }
    }

    /// Whether others than its owner, and the group that Debian gives that one alone, may read a file and reach it.
    private func isExposed(_ path: String) -> Bool {
        guard let (owner, group, mode) = SystemCalls.ownership(place(path)),
            let way = SystemCalls.ownership(Self.parts(place(path)).directory)?.mode
        else { return false }
        return mode & 0o004 != 0 && way & 0o001 != 0 || mode & 0o040 != 0 && group != owner && way & 0o011 != 0
    }
}
