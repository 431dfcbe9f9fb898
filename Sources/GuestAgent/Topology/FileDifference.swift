/// What differs between a configuration file as it lies there and as it should be, an entry a line or setting.
enum FileDifference {
    /// - Parameters:
    ///   - old: nil when there is no such file.
    /// - Returns: sentences such as `pgnode2, postgresql.conf: shared_buffers 128MB → 256MB` and `pgnode2, pg_hba.conf: +
    ///   hostssl all …`; empty when the texts are equal.
    static func lines(_ node: String, _ file: String, from old: String?, to new: String) -> [String] {
        if old == new { return [] }
        let head = "\(node), \(file): "
        guard let old else { return ["\(head)write it, it is missing"] }
        let found = settings(old)
        let wanted = settings(new)
        let differences =
            if file.hasSuffix("postgresql.conf"), let found, let wanted {
                bySetting(found, wanted)
            } else {
                byLine(rows(old), rows(new))
            }
        return (differences.isEmpty ? ["write it in its proper form"] : differences).map { head + $0 }
    }

    /// Names of the settings that differ with their new values, nil for one that goes; empty when a text has other lines.
    static func changedSettings(from old: String, to new: String) -> [String: String?] {
        guard let found = settings(old), let wanted = settings(new) else { return [:] }
        return Set(found.keys).union(wanted.keys).filter { found[$0] != wanted[$0] }
            .reduce(into: [:]) { $0.updateValue(wanted[$1], forKey: $1) }
    }

    /// Names and values of lines `NAME = 'VALUE'`; nil when there is any other, comments not counted.
    private static func settings(_ text: String) -> [String: String]? {
        var result: [String: String] = [:]
        for row in rows(text) where !row.hasPrefix("#") {
            guard let equals = row.firstIndex(of: "="), row.hasSuffix("'") else { return nil }
            let value = row[row.index(after: equals)...].drop { $0 == " " }
            guard value.hasPrefix("'"), value.utf8.count > 1 else { return nil }
            result[String(row[..<equals].prefix { $0 != " " })] = String(value.dropFirst().dropLast())
        }
        return result
    }

    private static func bySetting(_ old: [String: String], _ new: [String: String]) -> [String] {
        Set(old.keys).union(new.keys).sorted().compactMap { name in
            switch (old[name], new[name]) {
            case (let before?, let after?): before == after ? nil : "\(name) \(shown(before)) → \(shown(after))"
            case (nil, let after?): "+ \(name) \(shown(after))"
            case (let before?, nil): "- \(name) \(shown(before))"
            case (nil, nil): nil
            }
        }
    }

    /// An empty value, and one in which words would run together, keeps its quotes.
    private static func shown(_ value: String) -> String {
        value.isEmpty || value.contains(" ") ? "'\(value)'" : value
    }

    /// Lines that go before those that come; one that moves does both, since the order of rules decides.
    private static func byLine(_ old: [String], _ new: [String]) -> [String] {
        let difference = new.difference(from: old)
        return difference.removals.map { "- \($0.text)" } + difference.insertions.map { "+ \($0.text)" }
    }

    /// Lines with their fields one space apart.
    private static func rows(_ text: String) -> [String] {
        text.split(separator: "\n").map { $0.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " ") }
    }
}

extension CollectionDifference.Change where ChangeElement == String {
    fileprivate var text: String {
        switch self {
        case .insert(_, let text, _), .remove(_, let text, _): text
        }
    }
}
