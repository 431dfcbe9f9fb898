import Shared

/// The directory in which the user typed the command, with pgaf's own `.pgaf/` inside; paths only, no effects.
public struct ProjectDirectory: Sendable, Equatable {
    /// Absolute path.
    public let path: String

    public init(path: String) { self.path = path }

    /// pgaf's memory on the host; carries its own `.gitignore` and mode 0700.
    public var state: String { "\(path)/.pgaf" }
    public var knownHosts: String { "\(state)/known_hosts" }
    /// Passwords, mode 0600.
    public var secrets: String { "\(state)/secrets.json" }
    public var runs: String { "\(state)/runs" }
    public var vagrantfile: String { "\(path)/Vagrantfile" }

    /// The logs of one run: `events.jsonl`, `vagrant.log`, `agent.log`.
    public func run(_ id: String) -> String { "\(runs)/\(id)" }
}
