import Shared

/// What one run leaves on the host: `.pgaf/runs/ID/` with `events.jsonl`, `vagrant.log` and `agent.log`.
struct RunDirectory: Sendable, Equatable {
    /// Runs that are kept; older ones are removed when a new one begins.
    static let kept = 20

    let id: String
    let path: String

    var events: String { "\(path)/events.jsonl" }
    /// Every line that Vagrant and its helpers said; the machine writes it, so only runs with one have it.
    var machineLog: String { "\(path)/vagrant.log" }
    /// The agent's standard error.
    var agentLog: String { "\(path)/agent.log" }

    /// Makes the directory of a new run and removes the oldest ones beyond `kept`.
    init(in project: ProjectDirectory, id: String = RunIdentifier.new()) throws {
        self.id = id
        path = project.run(id)
        let files = MachineFiles()
        try files.makeDirectory(path)
        // Where the clock was set back, this one comes before the others.
        for old in files.list(project.runs).dropLast(Self.kept) where RunIdentifier.isOne(old) && old != id {
            // What cannot be removed is tried again by the next run; it does not keep this one from beginning.
            try? files.remove(project.run(old))
        }
    }
}
