import Shared

/// The directory in which the user typed the command, with pgaf's own `.pgaf/` inside; paths only, no effects.
public struct ProjectDirectory: Sendable, Equatable {
    /// Absolute path.
    public let path: String

    public init(path: String) { self.path = path }

    /// pgaf's memory on the host; carries its own `.gitignore` and mode 0700.
    public var state: String { "\(path)/.pgaf" }
    public var knownHosts: String { "\(state)/known_hosts" }
    /// Vagrant's id of the virtual machine whose key is in `knownHosts`.
    var knownMachine: String { "\(state)/known-machine" }
    /// Passwords, mode 0600.
    public var secrets: String { "\(state)/secrets.json" }
    /// libpq's password file for `pgaf-host psql`, mode 0600.
    public var passwordFile: String { "\(state)/pgpass" }
    /// Who vouches for the cluster's servers, for clients' `sslrootcert`.
    public var certificateAuthority: String { "\(state)/ca.crt" }
    /// What the last `up` made: `ClusterMemory`.
    public var memory: String { "\(state)/cluster.json" }
    /// Held by the one pgaf-host that works on this directory.
    public var lock: String { "\(state)/lock" }
    /// There while a first `vagrant up` has not ended well.
    var unfinishedMachine: String { "\(state)/machine-unfinished" }
    public var runs: String { "\(state)/runs" }
    /// The agent of the bundle that the last `up --bundle` took.
    var bundledAgent: String { "\(state)/pgaf-agent" }
    /// Parts of a bundle on their way; there only while a verb works with them.
    var bundleParts: String { "\(state)/bundle" }
    public var vagrantfile: String { "\(path)/Vagrantfile" }
    /// The configuration that is read when none is named.
    public var configurationFile: String { "\(path)/pgaf.yaml" }

    /// The logs of one run: `events.jsonl`, `vagrant.log`, `agent.log`.
    public func run(_ id: String) -> String { "\(runs)/\(id)" }

    /// Makes `.pgaf/` with mode 0700 and a `.gitignore` that keeps all of it out of Git.
    func prepare() throws {
        let files = MachineFiles()
        try files.makeDirectory(state)
        let ignore = "\(state)/.gitignore"
        if !files.exists(ignore) { try files.write("*\n", to: ignore, mode: 0o644) }
        try files.makeDirectory(runs)
    }
}

extension PasswordStore {
    /// The passwords of the project's cluster, generated ones kept in `.pgaf/secrets.json`.
    init(project: ProjectDirectory, environment: [String: String]) {
        self.init(file: project.secrets, directory: project.path, environment: environment)
    }
}
