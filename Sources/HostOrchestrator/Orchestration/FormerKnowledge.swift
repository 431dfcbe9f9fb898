import Shared

/// What a directory knew of its cluster before a run: put back when the run ended before the agent began, as it does where
/// another run is at work or the machine does not answer, and not where it goes on without this program. Else `uri` and
/// `psql` would speak of nodes and passwords that there are not, and a mistyped host would be the directory's for ever.
struct FormerKnowledge: Sendable {
    private let files: [(path: String, text: String?)]

    /// - Throws: `file.failed`.
    init(_ project: ProjectDirectory) throws {
        files = try [project.memory, project.secrets].map { ($0, try MachineFiles().read($0)) }
    }

    /// - Parameter keepsNew: whether what was not there before stays, as it must where a machine was just made, which has to
    ///   be found again.
    /// - Throws: `file.failed`.
    func restore(keepsNew: Bool) throws {
        for (path, text) in files {
            if let text {
                try MachineFiles().write(text, to: path)
            } else if !keepsNew {
                try MachineFiles().remove(path)
            }
        }
    }
}
