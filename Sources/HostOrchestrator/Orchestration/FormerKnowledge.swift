import Shared

/// What a directory knew of its cluster before a run: put back when the machine's agent ended the run before it began, as
/// it does where another run is at work. Else `uri` and `psql` would speak of nodes and passwords that there are not.
struct FormerKnowledge: Sendable {
    private let files: [(path: String, text: String)]

    /// - Throws: `file.failed`.
    init(_ project: ProjectDirectory) throws {
        files = try [project.memory, project.secrets].compactMap { path in
            try MachineFiles().read(path).map { (path, $0) }
        }
    }

    /// What was not there before stays: a machine that was just made has to be found again.
    ///
    /// - Throws: `file.failed`.
    func restore() throws {
        for (path, text) in files { try MachineFiles().write(text, to: path) }
    }
}
