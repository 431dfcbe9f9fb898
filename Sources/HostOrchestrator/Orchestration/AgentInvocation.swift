import Shared

/// The agent's command lines, as values.
struct AgentInvocation: Sendable, Equatable {
    /// Where `up` puts the agent on machines other than this one.
    static let installedPath = "/usr/local/bin/pgaf-agent"

    /// Absolute path of the agent on its machine.
    var path: String
    /// Whether the user there has to become root first.
    var needsSudo: Bool

    init(path: String = AgentInvocation.installedPath, needsSudo: Bool) {
        self.path = path
        self.needsSudo = needsSudo
    }

    /// The request, secrets in it, comes on standard input.
    var up: [String] { root([path, "up"]) }
    /// The same request comes on standard input.
    var plan: [String] { root([path, "plan"]) }
    /// Events of a run, or of the latest one, after the one with the number `since`.
    func follow(run: String?, since: Int, waiting: Bool = true) -> [String] {
        root(
            [path, "follow", "--json", "--since", String(since)] + (waiting ? [] : ["--no-wait"])
                + (run.map { [$0] } ?? []))
    }
    func cancel(run: String?) -> [String] { root([path, "cancel"] + (run.map { [$0] } ?? [])) }
    func status(cluster: String) -> [String] { root([path, "status", "--json", "--cluster", cluster]) }
    /// A look at the formation every so many seconds, one JSON object a line.
    func watch(cluster: String, interval: Double) -> [String] {
        root([path, "watch", "--json", "--interval", "\(interval)", "--cluster", cluster])
    }
    /// What is ordered, as a run of that id.
    func order(_ order: any RunOrder, cluster: String, run: String) -> [String] {
        root([path] + order.words(["--events", "--run", run, "--cluster", cluster]))
    }
    /// A stop that tells no more than its end, as agents of every release do.
    func stop(cluster: String) -> [String] { root([path] + ClusterOrder.stop.words(["--json", "--cluster", cluster])) }
    var version: [String] { root([path, "version"]) }

    /// What containers wrote, one JSON object a line.
    func logs(cluster: String, node: String?, follow: Bool, tail: Int?) -> [String] {
        var arguments = [path, "logs"]
        if let node { arguments.append(node) }
        if follow { arguments.append("--follow") }
        if let tail { arguments += ["--tail", String(tail)] }
        return root(arguments + ["--json", "--cluster", cluster])
    }

    /// A client inside a node's container; `terminal` says whether a person sits in front of it.
    func psql(node: String, database: String, terminal: Bool, arguments: [String]) -> [String] {
        root(
            ["docker", "exec", terminal ? "-it" : "-i", "-u", "postgres", node, "psql", "--dbname", database]
                + arguments)
    }

    /// The command as root.
    func root(_ arguments: [String]) -> [String] { Elevation.arguments(arguments, isRoot: !needsSudo) }
}
