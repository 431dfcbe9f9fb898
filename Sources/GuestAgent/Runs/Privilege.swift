import Shared

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The agent's right to do its work.
enum Privilege {
    /// - Throws: `agent.no-root` when this process is not root's.
    static func requireRoot() throws {
        guard geteuid() == 0 else {
            throw PgafError(
                .privilegeMissing,
                "pgaf-agent runs as user id \(geteuid()), but it installs packages and starts services.",
                remedy: "Run it with sudo: `sudo pgaf-agent …`.")
        }
    }
}
