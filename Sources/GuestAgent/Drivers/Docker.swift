import FoundationEssentials
import Shared

/// Docker by its command line; the engine is asked, never its client.
public struct Docker: Sendable {
    let runner: any CommandRunner
    /// What was seen at one moment; asked instead of Docker while a plan is made.
    let snapshot: DockerSnapshot?
    static let remedy = "Look at `docker ps -a` and `docker logs NAME` on the machine, then run `up` again."

    public init(runner: any CommandRunner, snapshot: DockerSnapshot? = nil) {
        self.runner = runner
        self.snapshot = snapshot
    }

    /// Even a question can take a minute in an emulated machine that is busy.
    private static let patience = Duration.seconds(300)

    /// Version of the running engine; nil when none answers.
    public func engineVersion() async throws -> String? {
        let result = try await look(["version", "--format", "{{.Server.Version}}"])
        return result.succeeded && !result.trimmedOutput.isEmpty ? result.trimmedOutput : nil
    }

    /// Where the engine keeps its data; nil when none answers.
    func dataDirectory() async throws -> String? {
        let result = try await look(["info", "--format", "{{.DockerRootDir}}"])
        return result.succeeded && result.trimmedOutput.hasPrefix("/") ? result.trimmedOutput : nil
    }

    /// The container of that name; nil when there is none.
    public func container(_ name: String) async throws -> ContainerStatus? {
        if let snapshot, snapshot.asked.contains(name) { return snapshot.containers[name] }
        return try await containers([name])[name]
    }

    /// Those of the containers that exist, by their names, with one question.
    public func containers(_ names: [String]) async throws -> [String: ContainerStatus] {
        let found: [ContainerStatus] = try await inspect("container", names)
        return Dictionary(found.map { ($0.name, $0) }) { first, _ in first }
    }

    /// What a container has logged in the last minute, at most 200 lines.
    ///
    /// - Parameter start: what was logged before is none of this one's business; nil for the whole minute.
    func recentLog(_ container: String, since start: ContinuousClock.Instant?) async throws -> String {
        let reach = start.map { min(.seconds(60), .now - $0) } ?? .seconds(60)
        let logs = try await runner.run(
            Command(
                "docker", ["logs", "--since", "\(Int(reach.inSeconds * 1000))ms", "--tail", "200", container],
                deadline: Self.patience))
        return logs.standardOutput + logs.standardError
    }

    /// Looks at all these at once: the start of a program for each costs seconds in an emulated machine.
    public func snapshot(
        containers names: [String], volumes: [String], images references: [String]
    ) async throws -> DockerSnapshot {
        async let containers = containers(names)
        async let foundVolumes = labels(ofVolumes: volumes)
        let found: [ImageStatus] = try await inspect("image", references)
        var images: [String: ImageStatus] = [:]
        for image in found {
            for reference in image.references { images[reference] = image }
        }
        return DockerSnapshot(
            asked: Set(names), containers: try await containers, askedVolumes: Set(volumes),
            volumes: try await foundVolumes, images: images)
    }

    /// Labels of those of the volumes that exist, by their names, with one question.
    private func labels(ofVolumes names: [String]) async throws -> [String: [String: String]] {
        let found: [VolumeStatus] = try await inspect("volume", names)
        return Dictionary(found.map { ($0.name, $0.labels) }) { first, _ in first }
    }

    /// Those of the objects that exist, with one question.
    private func inspect<Object: Decodable>(_ kind: String, _ names: [String]) async throws -> [Object] {
        guard !names.isEmpty else { return [] }
        // The status tells only that one of them is missing.
        let text = try await look([kind, "inspect"] + names).standardOutput
        return text.trimmed.isEmpty ? [] : try JSONDecoder().decode([Object].self, from: Data(text.utf8))
    }

    /// Labels of an image, network or volume; nil when there is none of that name.
    public func labels(of kind: String, _ name: String) async throws -> [String: String]? {
        if kind == "image", let image = snapshot?.images[name] { return image.labels }
        if kind == "volume", let snapshot, snapshot.askedVolumes.contains(name) { return snapshot.volumes[name] }
        guard let text = try await inspect(kind, name) else { return nil }
        guard let object = try JSONDecoder().decode([LabelledObject].self, from: Data(text.utf8)).first else {
            return nil
        }
        return object.labels
    }

    /// Id of an image (`sha256:…`); nil when there is none.
    public func imageIdentifier(_ reference: String) async throws -> String? {
        if let image = snapshot?.images[reference] { return image.identifier }
        let result = try await look(["image", "inspect", "--format", "{{.Id}}", reference])
        return result.succeeded ? result.trimmedOutput : nil
    }

    /// By which names and digests registries know an image, `NAME@sha256:DIGEST`; none for an image that no registry
    /// gave, and where there is no such image.
    func registryDigests(of reference: String) async throws -> [String] {
        let format = "{{range .RepoDigests}}{{println .}}{{end}}"
        let result = try await look(["image", "inspect", "--format", format, reference])
        return result.succeeded ? result.trimmedOutput.split(separator: "\n").map(String.init) : []
    }

    /// First subnet of a network; nil when there is no such network.
    public func subnet(ofNetwork name: String) async throws -> IPv4Network? {
        let format = "{{range .IPAM.Config}}{{.Subnet}} {{end}}"
        let result = try await look(["network", "inspect", "--format", format, name])
        guard result.succeeded else { return nil }
        return result.trimmedOutput.split(separator: " ").first.flatMap { IPv4Network(String($0)) }
    }

    /// Names of the running containers that are connected to a network, whoever made them.
    func containers(inNetwork name: String) async throws -> [String] {
        let format = "{{range .Containers}}{{println .Name}}{{end}}"
        return try await checked(["network", "inspect", "--format", format, name]).trimmedOutput
            .split(separator: "\n").map(String.init).sorted()
    }

    /// Names of the containers, running or not, that mount a volume.
    public func users(ofVolume name: String) async throws -> [String] {
        try await checked(["ps", "--all", "--filter", "volume=\(name)", "--format", "{{.Names}}"]).trimmedOutput
            .split(separator: "\n").map(String.init)
    }

    /// Names of all objects of a kind that carry the cluster's label, and the one of a role where one is named.
    public func labelled(_ kind: String, cluster: String, role: String? = nil) async throws -> [String] {
        let labels = ["\(Label.cluster)=\(cluster)"] + (role.map { ["\(Label.role)=\($0)"] } ?? [])
        let filter = labels.flatMap { ["--filter", "label=\($0)"] }
        let arguments =
            kind == "container"
            ? ["ps", "--all"] + filter + ["--format", "{{.Names}}"]
            : [kind, "ls"] + filter + ["--format", "{{.Name}}"]
        return try await checked(arguments).trimmedOutput.split(separator: "\n").map(String.init)
    }

    /// Names of the containers that run and do not carry the cluster's label.
    func running(notOf cluster: String) async throws -> [String] {
        let own = Set(try await labelled("container", cluster: cluster))
        return try await checked(["ps", "--format", "{{.Names}}"]).trimmedOutput.split(separator: "\n").map(String.init)
            .filter { !own.contains($0) }
    }

    /// Runs `docker` and throws with its words when it fails.
    @discardableResult
    public func checked(
        _ arguments: [String], code: ErrorCode = .dockerFailed, what: String? = nil, remedy: String? = nil,
        onLine: (@Sendable (String) async -> Void)? = nil
    ) async throws -> CommandResult {
        let command = Command("docker", arguments, deadline: .seconds(3600))
        let result = try await runner.run(command, onLine: onLine)
        guard result.succeeded else {
            throw Self.failure(command, result, code: code, what: what, remedy: remedy ?? Self.remedy)
        }
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
    static func failure(
        _ command: Command, _ result: CommandResult, code: ErrorCode, what: String?, remedy: String = Docker.remedy
    ) -> PgafError {
        let text = result.standardError + result.standardOutput
        let cause = "`\(command.display)` ended with status \(result.status)"
        if DockerDisk.isToldOf(in: text) {
            return PgafError(
                .diskFull, "The disk that holds Docker's data is full.",
                remedy: "Make room there (`docker system df` shows what lies in it), then run `up` again.",
                cause: cause, output: result.lastLines())
        }
        // An address of the network; a port's has a small letter.
        if text.contains("Address already in use") {
            return PgafError(
                .networkConflict, "An address that the cluster needs in its own network is another container's.",
                remedy:
                    "`docker network inspect NETWORK` on the machine shows whose; give that container another address"
                    + " (docs/pooler.md), then run `up` again.",
                cause: cause, output: result.lastLines())
        }
        if text.contains("port is already allocated") || text.contains("address already in use") {
            return PgafError(
                .portInUse, "A port that the cluster publishes is in use on this machine.",
                remedy: "End what listens there, or choose other ports in pgaf.yaml, then run `up` again.",
                cause: cause, output: result.lastLines())
        }
        let what = what ?? "`docker \(command.arguments.first ?? "")` failed."
        if code == .imageBuildFailed, result.archiveFailure(otherwise: code) == .archiveUnreachable {
            return PgafError(
                .archiveUnreachable, "\(what) A package archive does not answer.",
                remedy:
                    "Check the machine's network (`apt-get update` there), or name another archive or a way to it with"
                    + " packages.mirrors and packages.proxy; then run `up` again.",
                cause: cause, output: result.lastLines())
        }
        return PgafError(code, what, remedy: remedy, cause: cause, output: result.lastLines())
    }
}

/// What Docker said at one moment.
public struct DockerSnapshot: Sendable {
    /// Names of the containers that were looked for.
    var asked: Set<String>
    /// Those that there are.
    var containers: [String: ContainerStatus]
    /// Names of the volumes that were looked for.
    var askedVolumes: Set<String> = []
    /// The labels of those that there are.
    var volumes: [String: [String: String]] = [:]
    /// Images by those of their references that name them as Docker does; others have to be asked for.
    var images: [String: ImageStatus]
}

/// What `docker image inspect` says of an image, as far as pgaf looks at it.
struct ImageStatus: Sendable, Decodable {
    /// `sha256:…`.
    var identifier: String
    /// `NAME:TAG`.
    var references: [String]
    var labels: [String: String]

    private enum Key: String, CodingKey {
        case identifier = "Id"
        case references = "RepoTags"
        case config = "Config"
    }

    init(from decoder: any Decoder) throws {
        let document = try decoder.container(keyedBy: Key.self)
        identifier = try document.decode(String.self, forKey: .identifier)
        references = try document.decodeIfPresent([String].self, forKey: .references) ?? []
        labels = try document.decodeIfPresent(DockerLabels.self, forKey: .config)?.values ?? [:]
    }
}

/// What `docker container inspect` says of a container, as far as pgaf looks at it.
public struct ContainerStatus: Sendable, Decodable, Equatable {
    public var name: String
    /// `created`, `running`, `restarting`, `exited`, `paused`, `dead`.
    public var status: String
    public var running: Bool
    public var exitCode: Int
    public var labels: [String: String]
    /// When it was started last, in UTC with up to nine decimals: `2026-01-31T12:00:00.123456789Z`.
    var started: String?
    /// Whether and when Docker starts it again by itself: `no`, `unless-stopped`, …
    var restartPolicy: String?

    public init(
        name: String, status: String, running: Bool, exitCode: Int = 0, labels: [String: String] = [:],
        started: String? = nil, restartPolicy: String? = nil
    ) {
        self.started = started
        self.restartPolicy = restartPolicy
        self.name = name
        self.status = status
        self.running = running
        self.exitCode = exitCode
        self.labels = labels
    }

    private enum Key: String, CodingKey {
        case name = "Name"
        case state = "State"
        case config = "Config"
        case host = "HostConfig"
    }

    private enum HostKey: String, CodingKey {
        case restartPolicy = "RestartPolicy"
    }

    private enum StateKey: String, CodingKey {
        case status = "Status"
        case running = "Running"
        case exitCode = "ExitCode"
        case started = "StartedAt"
    }

    public init(from decoder: any Decoder) throws {
        let document = try decoder.container(keyedBy: Key.self)
        let state = try document.nestedContainer(keyedBy: StateKey.self, forKey: .state)
        let path = try document.decode(String.self, forKey: .name)
        let policy =
            document.contains(.host)
            ? try document.nestedContainer(keyedBy: HostKey.self, forKey: .host)
                .nestedContainer(keyedBy: Key.self, forKey: .restartPolicy) : nil
        self.init(
            name: path.hasPrefix("/") ? String(path.dropFirst()) : path,
            status: try state.decode(String.self, forKey: .status),
            running: try state.decode(Bool.self, forKey: .running),
            exitCode: try state.decode(Int.self, forKey: .exitCode),
            labels: try document.decode(DockerLabels.self, forKey: .config).values,
            started: try state.decodeIfPresent(String.self, forKey: .started),
            restartPolicy: try policy?.decode(String.self, forKey: .name))
    }
}

extension [String: ContainerStatus] {
    /// The rows with nothing in them about the time before a start of the node or of its monitor.
    ///
    /// A start in the future was told by a clock that has been set back, and counts for nothing.
    func current(_ rows: [Monitor.Row], monitor: String) -> [Monitor.Row] {
        let now = Timestamp.now()
        return rows.map { row in
            row.asSeen(since: [row.name, monitor].compactMap { self[$0]?.started }.filter { $0 < now }.max())
        }
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

/// What `docker volume inspect` says of a volume, as far as pgaf looks at it.
private struct VolumeStatus: Decodable {
    let name: String
    let labels: [String: String]

    private enum Key: String, CodingKey {
        case name = "Name"
    }

    init(from decoder: any Decoder) throws {
        name = try decoder.container(keyedBy: Key.self).decode(String.self, forKey: .name)
        labels = try DockerLabels(from: decoder).values
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
