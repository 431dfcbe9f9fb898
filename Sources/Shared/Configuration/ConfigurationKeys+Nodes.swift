/// The list of data nodes and the keys of each.
extension ConfigurationKeys {
    /// Keys of one element of `nodes`, paths relative to it.
    public static let node: [ConfigurationKey<NodeSettings>] = [
        .init(
            "name", \.name, .text(Words.containerName, where: NameRules.isContainerName), "Container name of the node."),
        .init(
            "hostname", \.hostname, ValueKind.text(Words.hostName, where: NameRules.isHostName).optional(),
            "Its host name inside the network; `auto` is its name."),
        .init(
            "volume", \.volume, ValueKind.text(Words.dockerName, where: NameRules.isDockerName).optional(),
            "Its Docker volume; `auto` is its name and `_data`."),
        .init("port", \.port, .publishedPort, "Port on which the node is published."),
        .init(
            "candidate_priority", \.candidatePriority, .integer(0...100),
            "Who is promoted first; 0 means never."),
        .init(
            "replication_quorum", \.replicationQuorum, .boolean,
            "Whether a commit may count on this node's acknowledgement."),
        .init(
            "host", \.host,
            ValueKind.text(Words.hostName, where: { NameRules.isHostName($0) || IPv4Address($0) != nil }).optional(),
            "Machine that carries the node; `auto` is the one machine there is."),
    ]

    /// How many nodes a cluster may have.
    static let nodeCounts = 1...16

    static let nodes = ConfigurationKey<Configuration>(
        path: "nodes",
        type: "a number from \(nodeCounts.lowerBound) to \(nodeCounts.upperBound), or a list of nodes",
        help:
            "The PostgreSQL data nodes: how many, or each with its own keys; the first one becomes the first primary.",
        isScalar: false, isSecret: false,
        read: { node, root, reading in
            reading.marks["nodes"] = node.mark
            if let nodes = readNodes(node, &reading) { root.nodes = nodes }
        },
        problems: { root, _ in
            root.nodes.enumerated().flatMap { index, settings in
                node.flatMap { $0.problems(settings, "nodes[\(index)].") }
            }
        },
        render: { root in
            root.nodes == NodeSettings.defaults(count: root.nodes.count)
                ? String(root.nodes.count)
                : "[\(root.nodes.map { settings in "{\(flow(settings))}" }.joined(separator: ", "))]"
        })

    private static func flow(_ settings: NodeSettings) -> String {
        node.map { "\($0.path): \($0.render(settings))" }.joined(separator: ", ")
    }

    private static func readNodes(_ node: YAMLNode, _ reading: inout ConfigurationReading) -> [NodeSettings]? {
        if let count = node.integer {
            // The validator says what is wrong with the number; a huge one must not become a huge list.
            return NodeSettings.defaults(count: min(count, nodeCounts.upperBound + 1))
        }
        guard case .sequence(let elements) = node.content else {
            reading.report(
                .configurationInvalid, node.mark,
                "nodes is \(node.shown), but must be a number of nodes or a list such as [{name: pgnode1, port: 5001}]")
            return nil
        }
        let defaults = NodeSettings.defaults(count: min(elements.count, nodeCounts.upperBound + 1))
        return zip(defaults, elements).enumerated().map { index, pair in
            var settings = pair.0
            reading.prefix = "nodes[\(index)]."
            defer { reading.prefix = "" }
            reading.marks["nodes[\(index)]"] = pair.1.mark
            reading.readMapping(pair.1, keys: ConfigurationKeys.node, at: "", into: &settings)
            return settings
        }
    }
}
