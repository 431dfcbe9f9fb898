import Shared

/// The agent's right to do its work.
enum Privilege {
    /// - Parameter files: those of the machine, which know who works on it.
    /// - Throws: `agent.no-root` when that is not root.
    static func requireRoot(_ files: MachineFiles = MachineFiles()) throws {
        guard files.user == 0 else {
            throw PgafError(
                .privilegeMissing,
                "pgaf-agent runs as user id \(files.user), but it installs packages and starts services.",
                remedy: "Run it with sudo: `sudo pgaf-agent …`.")
        }
    }
}
