/// A formation as people read it.
package enum StatusTable {
    /// A headline, one row a node, and what is wrong or awaited.
    package static func lines(_ state: FormationState) -> [String] {
        let health = state.healthy ? "healthy" : "NOT healthy"
        var lines = [
            "cluster \(state.cluster), formation \(state.formation): \(health) (monitor container \(state.monitor))",
            "",
        ]
        let heading = ["NODE", "ADDRESS", "PORT", "STATE", "HEALTH", "LSN", "LAG", "PRIORITY", "QUORUM", "CONTAINER"]
        // Cells of any width would make a table of their product: 2 MB of one name beside 40,000 nodes, 80 GB.
        lines += columns([heading] + state.nodes.map { row($0).map { TerminalText.fit($0, widestCell) } })
        if state.nodes.isEmpty { lines.append("(no node is registered)") }
        let below = expectations(state) + (state.warnings ?? []).map { "warning: \($0)" }
        return below.isEmpty ? lines : lines + [""] + below
    }

    /// What is awaited and how long that takes, what one has to do; the bare notes of an agent that tells neither.
    private static func expectations(_ state: FormationState) -> [String] {
        guard let awaited = state.awaited, !awaited.isEmpty else { return state.notes.map { "note: \($0)" } }
        return awaited.map { "\($0.command == nil ? "awaited" : "to do"): \($0.text)" }
    }

    /// Names have at most 63 characters.
    private static let widestCell = 80

    private static func row(_ node: FormationState.Node) -> [String] {
        [
            node.name, "\(node.host):\(node.port)", node.publishedPort.map(String.init) ?? "-", roles(node),
            health(node.health), node.lsn ?? "-", node.lag.map(bytes) ?? "-",
            node.candidatePriority.map(String.init) ?? "-", node.replicationQuorum.map { $0 ? "yes" : "no" } ?? "-",
            node.container ?? "-",
        ]
    }

    /// One word when the node is where it should be, `from -> to` while it is on its way.
    static func roles(_ node: FormationState.Node) -> String {
        switch (node.reportedState, node.assignedState) {
        case (let reported?, let assigned?): reported == assigned ? reported : "\(reported) -> \(assigned)"
        case (let reported?, nil): reported
        case (nil, let assigned?): "? -> \(assigned)"
        case (nil, nil): "not registered"
        }
    }

    static func health(_ number: Int?) -> String {
        switch number {
        case 1: "good"
        case 0: "bad"
        default: "unknown"
        }
    }

    /// Bytes in the largest unit that leaves a readable number.
    package static func bytes(_ count: Int) -> String {
        for (unit, size) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] where count >= size {
            let tenths = count / (size / 10)
            return "\(tenths / 10).\(tenths % 10) \(unit)"
        }
        return "\(count) B"
    }

    /// Rows with their columns aligned, two spaces between them.
    package static func columns(_ rows: [[String]]) -> [String] {
        let widths = (0..<(rows.map(\.count).max() ?? 0)).map { column in
            rows.map { column < $0.count ? TerminalText.width($0[column]) : 0 }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { index, cell in
                index == row.count - 1 ? cell : TerminalText.pad(cell, widths[index])
            }
            return cells.joined(separator: "  ")
        }
    }
}
