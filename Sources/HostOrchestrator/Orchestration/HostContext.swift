import Shared

/// Everything through which a verb touches the world; a test replaces what it needs.
struct HostContext: Sendable {
    var project: ProjectDirectory
    var environment: [String: String]
    var terminal: Terminal
    /// Results.
    var output: any TextOutput
    /// Progress and everything else for people.
    var errorOutput: any TextOutput
    /// Path of this program, beside which the agent lies.
    var executable: String
    /// The agent to use instead of the one beside this program: that of a bundle.
    var agentFile: String?
    /// Programs of this computer.
    var runner: any CommandRunner
    /// Whether this program runs as root.
    var isRoot: Bool
    /// Reads and checks the configuration that the flags name.
    var loadConfiguration: @Sendable (ConfigurationChoice) throws -> LoadedConfiguration
    /// The machine that a configuration means; the output of its tools goes to the log file.
    var machine: @Sendable (Configuration, _ log: String) async throws -> any Machine
    /// Whether PostgreSQL answers at an address of this host.
    var answers: @Sendable (Endpoint) async -> Bool
    /// Makes the Vagrant box, again if the second argument says so.
    var buildBox: @Sendable (any ProgressSink, Bool) async throws -> BoxBuild.Made
    /// Asks a question that is answered with yes or no; only called when somebody can answer.
    var confirm: @Sendable (String) async -> Bool
    /// Asks a question that is answered with a line; only called when somebody can answer.
    var ask: @Sendable (String) async -> String
    /// Puts another program in place of this one; returns only in tests.
    var replaceProcess: @Sendable (Command) throws -> Void
    /// Absolute path of a program on PATH.
    var findProgram: @Sendable (String) -> String?

    /// Writes a line of result.
    func say(_ line: String) { output.write(line + "\n") }

    /// Writes a line for people.
    func note(_ line: String) { errorOutput.write(line + "\n") }

    /// The configuration of the cluster that is here: what `up` remembered; what flags and file say before the first `up`,
    /// or when flags are given.
    func currentConfiguration(_ choice: ConfigurationChoice) throws -> Configuration {
        if choice == ConfigurationChoice(), let memory = try ClusterMemory.load(project) {
            // Before a command that gives a password is run.
            OwnEnvironment.withdrawPasswords(of: memory.configuration)
            return memory.configuration
        }
        return try loadConfiguration(choice).configuration
    }

    /// The machine, for a verb that only reaches it and so leaves no log.
    func machine(_ configuration: Configuration) async throws -> any Machine {
        try await machine(configuration, "\(project.state)/vagrant.log")
    }

    /// The user's own certificates; nil when the cluster makes some.
    ///
    /// - Throws: `certificate.failed`, `file.unsafe`.
    func suppliedCertificates(_ configuration: Configuration) throws -> SuppliedCertificates? {
        try SuppliedCertificates(configuration, directory: project.path, home: environment["HOME"])
    }

    /// Asks before something is destroyed.
    ///
    /// - Parameter yes: whether the user has agreed on the command line.
    /// - Throws: `usage` when nobody can be asked, `cancelled` when the answer is no.
    func agree(to lines: [String], question: String, yes: Bool) async throws {
        if yes { return }
        lines.forEach(note)
        guard terminal.inputIsTerminal else {
            throw PgafError(
                .usage, "There is no terminal on which to ask: \(question)",
                remedy: "Add --yes if that is what you want.")
        }
        guard await confirm(question) else {
            throw PgafError(.cancelled, "Nothing was changed.", remedy: "Answer `yes` to go on, or add --yes.")
        }
    }
}
