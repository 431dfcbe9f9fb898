import Shared

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The agent's executable on the host, the one that belongs to this program.
enum AgentBinary {
    static let name = "pgaf-agent"

    /// Where to look, best first, for a program at `executable` (absolute path).
    ///
    /// Installed: beside it or in `../libexec/pgaf`. In a checkout: the static build, then the native one, in every
    /// directory above it.
    static func candidates(executable: String) -> [String] {
        let directories = ancestors(of: executable)
        guard let own = directories.first else { return [] }
        var paths: [String] = []
        if directories.count > 1 { paths.append("\(directories[1])/libexec/pgaf/\(name)") }
        for directory in directories {
            paths.append("\(directory)/.build-agent/x86_64-unknown-linux-gnu/release/\(name)")
            paths.append("\(directory)/.build-agent/release/\(name)")
        }
        // Beside the program comes first only where it was installed: in a build directory lies the agent of the
        // ordinary build, linked to this machine's libraries.
        let beside = "\(own)/\(name)"
        return own.contains("/.build/") ? paths + [beside] : [beside] + paths
    }

    /// The first that can be run.
    ///
    /// - Parameter environment: `PGAF_AGENT` names the file and is then the only one looked at.
    /// - Throws: `agent.missing`.
    static func locate(
        executable: String, environment: [String: String],
        isExecutable: (String) -> Bool = MachineFiles().isExecutable
    ) throws -> String {
        if let named = environment["PGAF_AGENT"], !named.isEmpty {
            if isExecutable(named) { return named }
            throw PgafError(
                .agentMissing, "PGAF_AGENT names \(named), which is not an executable file.",
                remedy: "Build the agent with `make build` and unset PGAF_AGENT, or correct it.")
        }
        let candidates = candidates(executable: executable)
        if let found = candidates.first(where: isExecutable) { return found }
        throw PgafError(
            .agentMissing, "The agent, \(name), is not there to be copied into the machine.",
            remedy: "Build it with `make build`, or name it with PGAF_AGENT=/path/to/\(name). For a Mac build it with"
                + " `make agent` on a Linux computer, and copy .build-agent/release/\(name) from there.",
            cause: "looked for \(candidates.prefix(4).joined(separator: ", ")) and in the directories above")
    }

    /// This program's own path, symbolic links resolved.
    static func ownExecutable() -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        #if canImport(Darwin)
            var size = UInt32(buffer.count)
            var raw = buffer
            guard _NSGetExecutablePath(&raw, &size) == 0, realpath(raw, &buffer) != nil else { return "" }
        #else
            guard realpath("/proc/self/exe", &buffer) != nil else { return "" }
        #endif
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The directories above a path, the nearest first.
    private static func ancestors(of path: String) -> [String] {
        var parts = path.split(separator: "/")
        var result: [String] = []
        while !parts.isEmpty {
            parts.removeLast()
            result.append("/" + parts.joined(separator: "/"))
        }
        return result.map { $0 == "/" ? "" : $0 }
    }
}
