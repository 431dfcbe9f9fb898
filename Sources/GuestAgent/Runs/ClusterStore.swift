import FoundationEssentials
import Shared

/// What a machine remembers of a cluster: `/var/lib/pgaf/clusters/NAME/`, root's alone.
public struct ClusterStore: Sendable {
    /// pgaf's directory on the machine.
    public static let defaultRoot = "/var/lib/pgaf"

    public let root: String
    let files: MachineFiles

    public init(root: String = ClusterStore.defaultRoot, files: MachineFiles = MachineFiles()) {
        self.root = root
        self.files = files
    }

    public func directory(_ cluster: String) -> String { "\(root)/clusters/\(cluster)" }

    /// Names of the clusters on this machine.
    public var clusters: [String] {
        files.list("\(root)/clusters").filter { files.exists("\(directory($0))/state.json") }
    }

    public func state(_ cluster: String) throws -> ClusterState? {
        try load(ClusterState.self, "\(directory(cluster))/state.json")
    }

    public func configuration(_ cluster: String) throws -> Configuration? {
        try load(Configuration.self, "\(directory(cluster))/configuration.json")
    }

    /// Passwords of the last `up`, wherever they came from; kept so that the agent can be used alone inside the machine.
    ///
    /// - Parameter directory: where relative paths of password files begin.
    public func passwords(
        _ cluster: String, directory: String, environment: [String: String]
    ) -> PasswordStore {
        PasswordStore(
            file: "\(self.directory(cluster))/secrets.json", directory: directory, environment: environment,
            files: files)
    }

    /// The passwords that are remembered; nil when not all are.
    func remembered(_ cluster: String) -> ClusterSecrets? {
        (try? passwords(cluster, directory: root, environment: [:]).rememberedSecrets()) ?? nil
    }

    /// Texts of everything that is remembered, by file name; written by `save`, compared by the preflight.
    func texts(_ topology: ClusterTopology, _ secrets: ClusterSecrets) throws -> [String: Secret] {
        func text(_ value: some Encodable) throws -> Secret { Secret(try JSONText.indented(value) + "\n") }
        return [
            "state.json": try text(topology.state), "configuration.json": try text(topology.configuration),
            "secrets.json": try text(secrets.revealed),
        ]
    }

    /// Whether everything is remembered as it is now.
    public func isCurrent(_ topology: ClusterTopology, _ secrets: ClusterSecrets) throws -> Bool {
        try texts(topology, secrets).allSatisfy { name, text in
            try files.read("\(directory(topology.configuration.cluster))/\(name)") == text.revealed
        }
    }

    /// What is remembered otherwise than it is now, in words; no password is shown. Empty when all is remembered.
    public func differences(_ topology: ClusterTopology, _ secrets: ClusterSecrets) throws -> [String] {
        if try isCurrent(topology, secrets) { return [] }
        let cluster = topology.configuration.cluster
        // What another release wrote and this one cannot read is written anew.
        guard let known = try? configuration(cluster), let state = try? state(cluster) else {
            return ["remember the cluster's configuration and addresses"]
        }
        var lines = ConfigurationDifference.lines(from: known, to: topology.configuration)
        for (name, offset) in topology.state.offsets.sorted(by: { $0.key < $1.key }) where state.offsets[name] != offset
        {
            lines.append("address of \(name): \(topology.address(name))")
        }
        if remembered(cluster) != secrets { lines.append("the changed passwords") }
        return lines.isEmpty
            ? ["remember the cluster in this release's form"] : lines.map { "remember \($0)" }
    }

    public func save(_ topology: ClusterTopology, _ secrets: ClusterSecrets) throws {
        try files.makeDirectory(root)
        let directory = directory(topology.configuration.cluster)
        try files.makeDirectory(directory)
        for (name, text) in try texts(topology, secrets).sorted(by: { $0.key < $1.key }) {
            try files.write(text.revealed, to: "\(directory)/\(name)")
        }
    }

    public func remove(_ cluster: String) throws { try files.remove(directory(cluster)) }

    private func load<Value: Decodable>(_ type: Value.Type, _ path: String) throws -> Value? {
        try files.requireTrust(path, alone: true)
        guard let text = try files.read(path) else { return nil }
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw PgafError(
                .fileFailed, "\(path) cannot be read as what pgaf wrote there.",
                remedy: "Move the file away and run `up` again; the cluster's data is not touched.",
                cause: String(describing: error))
        }
    }
}
