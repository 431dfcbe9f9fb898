/// What differs between two configurations, key by key, in the names that pgaf.yaml has for them.
public enum ConfigurationDifference {
    /// `access.client_cidr: 0.0.0.0/0 → 10.0.0.0/8`, `nodes.pgnode2.port: 5002 → 6002`, `nodes: + pgnode4`; empty when
    /// they are equal.
    public static func lines(from old: Configuration, to new: Configuration) -> [String] {
        var lines: [String] = []
        for key in ConfigurationKeys.all {
            if key.path == ConfigurationKeys.nodes.path {
                lines += nodes(old.nodes, new.nodes)
            } else {
                lines += line(key.path, key.render(old), key.render(new))
            }
        }
        return lines
    }

    private static func nodes(_ old: [NodeSettings], _ new: [NodeSettings]) -> [String] {
        let gone = old.filter { node in !new.contains { $0.name == node.name } }
        var lines = gone.map { "nodes: - \($0.name)" }
        for node in new {
            guard let former = old.first(where: { $0.name == node.name }) else {
                lines.append("nodes: + \(node.name)")
                continue
            }
            for key in ConfigurationKeys.node {
                lines += line("nodes.\(node.name).\(key.path)", key.render(former), key.render(node))
            }
        }
        // The order decides who becomes the first primary.
        let stayed = old.map(\.name).filter { name in new.contains { $0.name == name } }
        let order = new.map(\.name).filter { name in old.contains { $0.name == name } }
        return lines + line("nodes, order", stayed.joined(separator: ", "), order.joined(separator: ", "))
    }

    private static func line(_ path: String, _ old: String, _ new: String) -> [String] {
        old == new ? [] : ["\(path): \(old) → \(new)"]
    }
}
