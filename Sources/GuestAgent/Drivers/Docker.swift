import FoundationEssentials
import Shared

/// Docker by its command line; the engine is asked, never its client.
public struct Docker: Sendable {
    let runner: any CommandRunner
    static let remedy = "Look at `docker ps -a` and `docker logs NAME` on the machine, then run `up` again."

    public init(runner: any CommandRunner) { self.runner = runner }

    /// Even a question can take a minute in an emulated machine that is busy.
    private static let patience = Duration.seconds(300)

    /// Version of the running engine; nil when none answers.
    public func engineVersion() async throws -> String? {
        let result = try await look(["version", "--format", "{{.Server.Version}}"])
        return result.succeeded && !result.trimmedOutput.isEmpty ? result.trimmedOutput : nil
    }

    /// The container of that name; nil when there is none.
    public func container(_ name: String) async throws -> ContainerStatus? {
        guard let text = try await inspect("container", name) else { return nil }
        return try JSONDecoder().decode([ContainerStatus].self, from: Data(text.utf8)).first
    }

    /// Labels of an image, network or volume; nil when there is none of that name.
    public func labels(of kind: String, _ name: String) async throws -> [String: String]? {
        guard let text = try await inspect(kind, name) else { return nil }
        guard let object = try JSONDecoder().decode([LabelledObject].self, from: Data(text.utf8)).first else {
            return nil
        }
        return object.labels
    }

    /// Id of an image (`sha256:…`); nil when there is none.
    public func imageIdentifier(_ reference: String) async throws -> String? {
        let result = try await look(["image", "inspect", "--format", "{{.Id}}", reference])
        return result.succeeded ? result.trimmedOutput : nil
    }

    /// First subnet of a network; nil when there is no such network.
    public func subnet(ofNetwork name: String) async throws -> IPv4Network? {
        let format = "{{range .IPAM.Config}}{{.Subnet}} {{end}}"
        let result = try await look(["network", "inspect", "--format", format, name])
        guard result.succeeded else { return nil }
        return result.trimmedOutput.split(separator: " ").first.flatMap { IPv4Network(String($0)) }
    }

    /// Names of all objects of a kind that carry the cluster's label.
    public func labelled(_ kind: String, cluster: String) async throws -> [String] {
        let filter = ["--filter", "label=\(Label.cluster)=\(cluster)"]
        let arguments =
            kind == "container"
            ? ["ps", "--all"] + filter + ["--format", "{{.Names}}"]
            : [kind, "ls"] + filter + ["--format", "{{.Name}}"]
        return try await checked(arguments).trimmedOutput.split(separator: "\n").map(String.init)
    }

    /// Runs `docker` and throws with its words when it fails.
    @discardableResult
    public func checked(
        _ arguments: [String], code: ErrorCode = .dockerFailed, what: String? = nil,
        onLine: (@Sendable (String) async -> Void)? = nil
    ) async throws -> CommandResult {
        let command = Command("docker", arguments, deadline: .seconds(3600))
        let result = try await runner.run(command, onLine: onLine)
        guard result.succeeded else { throw Self.failure(command, result, code: code, what: what) }
        return result
    }

    private func inspect(_ kind: String, _ name: String) async throws -> String? {
        let result = try await look([kind, "inspect", name])
        return result.succeeded ? result.standardOutput : nil
    }

    /// Asks without changing anything. On a machine that has no `docker` yet the answer is a failure like any other, so
    /// that a plan can be made there.
    private func look(_ arguments: [String]) async throws -> CommandResult {
        do {
            return try await runner.run(Command("docker", arguments, deadline: Self.patience))
        } catch let error as PgafError where error.code == .commandNotFound {
            return CommandResult(status: 127, standardError: error.message)
        }
    }

    /// Docker's failure in pgaf's words; a full disk and a taken port are told apart by what Docker documents to say.
    static func failure(_ command: Command, _ result: CommandResult, code: ErrorCode, what: String?) -> PgafError {
        let text = result.standardError + result.standardOutput
        let cause = "`\(command.display)` ended with status \(result.status)"
        if text.contains("no space left on device") {
            return PgafError(
                .diskFull, "The disk that holds Docker's data is full.",
                remedy: "Make room there (`docker system df` shows what lies in it), then run `up` again.",
                cause: cause, output: result.lastLines())
        }
        if text.contains("port is already allocated") || text.contains("address already in use") {
            return PgafError(
                .portInUse, "A port that the cluster publishes is in use on this machine.",
                remedy: "End what listens there, or choose other ports in pgaf.yaml, then run `up` again.",
                cause: cause, output: result.lastLines())
        }
        return PgafError(
            code, what ?? "`docker \(command.arguments.first ?? "")` failed.", remedy: remedy, cause: cause,
            output: result.lastLines())
    }
}

/// What `docker container inspect` says of a container, as far as pgaf looks at it.
public struct ContainerStatus: Sendable, Decodable, Equatable {
    /// `created`, `running`, `restarting`, `exited`, `paused`, `dead`.
    public var status: String
    public var running: Bool
    public var exitCode: Int
    public var labels: [String: String]

    public init(status: String, running: Bool, exitCode: Int = 0, labels: [String: String] = [:]) {
        self.status = status
        self.running = running
        self.exitCode = exitCode
        self.labels = labels
    }

    private enum Key: String, CodingKey {
        case state = "State"
        case config = "Config"
    }

    private enum StateKey: String, CodingKey {
        case status = "Status"
        case running = "Running"
        case exitCode = "ExitCode"
    }

    public init(from decoder: any Decoder) throws {
        let document = try decoder.container(keyedBy: Key.self)
        let state = try document.nestedContainer(keyedBy: StateKey.self, forKey: .state)
        self.init(
            status: try state.decode(String.self, forKey: .status),
            running: try state.decode(Bool.self, forKey: .running),
            exitCode: try state.decode(Int.self, forKey: .exitCode),
            labels: try document.decode(DockerLabels.self, forKey: .config).values)
    }
}

/// The labels in an object of Docker's that has them itself (a network, a volume) or in its `Config` (an image).
private struct LabelledObject: Decodable {
    let labels: [String: String]

    private enum Key: String, CodingKey {
        case config = "Config"
    }

    init(from decoder: any Decoder) throws {
        let inner = try decoder.container(keyedBy: Key.self).decodeIfPresent(DockerLabels.self, forKey: .config)
        labels = try inner?.values ?? DockerLabels(from: decoder).values
    }
}

/// The key `Labels`, which Docker leaves null where there are none.
private struct DockerLabels: Decodable {
    let values: [String: String]

    private enum Key: String, CodingKey {
        case labels = "Labels"
    }

    init(from decoder: any Decoder) throws {
        values = try decoder.container(keyedBy: Key.self).decodeIfPresent([String: String].self, forKey: .labels) ?? [:]
    }
}
