/// What differs between two looks at a formation, one sentence a thing.
package enum FormationDifference {
    /// - Parameter before: nil for the first look, which tells of everything.
    package static func lines(from before: FormationState?, to after: FormationState) -> [String] {
        var lines: [String] = []
        func tell(_ what: String, _ old: String?, _ new: String) {
            guard let old else { return lines.append("\(what): \(new)") }
            if old != new { lines.append("\(what): \(new) (was \(old))") }
        }
        if before?.monitor != after.monitor { tell("the monitor's container", before?.monitor, after.monitor) }
        for node in after.nodes {
            let old = before?.nodes.first { $0.name == node.name }
            tell(node.name, old.map(words), words(node))
        }
        for gone in before?.nodes ?? [] where !after.nodes.contains(where: { $0.name == gone.name }) {
            lines.append("\(gone.name): no longer in the cluster")
        }
        if before?.healthy != after.healthy {
            lines.append("formation \(after.formation): \(after.healthy ? "healthy" : "NOT healthy")")
        }
        return lines
    }

    /// State, health and container, as far as they are worth a word.
    private static func words(_ node: FormationState.Node) -> String {
        var parts = [StatusTable.roles(node)]
        if node.reportedState != nil, node.health != 1 { parts.append("health \(StatusTable.health(node.health))") }
        if let container = node.container, container != "running" { parts.append("container \(container)") }
        return parts.joined(separator: ", ")
    }
}
