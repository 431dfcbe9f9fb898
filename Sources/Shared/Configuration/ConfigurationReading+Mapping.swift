extension ConfigurationReading {
    /// Reads a mapping whose entries are keys of the table or sections that contain some.
    ///
    /// - Parameter section: path of the mapping with its dot (`machine.`), empty at the top.
    mutating func readMapping<Root>(
        _ node: YAMLNode, keys: [ConfigurationKey<Root>], at section: String, into root: inout Root
    ) {
        if node.isNull { return }
        guard case .mapping(let entries) = node.content else {
            let name = prefix + section
            let place = name.isEmpty ? "The configuration" : String(name.dropLast())
            let example = keys.first { $0.path.hasPrefix(section) }.map { $0.path.dropFirst(section.count) } ?? "key"
            // A text in place of the passwords may be one.
            let shown = section.hasPrefix("passwords") ? "not a mapping" : node.shown
            return report(
                .configurationInvalid, node.mark,
                "\(place) is \(shown), but must be a mapping of keys such as `\(example.prefix { $0 != "." }): …`")
        }
        for entry in entries { readEntry(entry, keys: keys, at: section, into: &root) }
    }

    private mutating func readEntry<Root>(
        _ entry: YAMLNode.Entry, keys: [ConfigurationKey<Root>], at section: String, into root: inout Root
    ) {
        let path = section + entry.key
        if !entry.key.contains("."), let key = keys.first(where: { $0.path == path }) {
            return key.read(entry.value, &root, &self)
        }
        if !entry.key.contains("."), keys.contains(where: { $0.path.hasPrefix(path + ".") }) {
            marks[prefix + path] = entry.keyMark
            return readMapping(entry.value, keys: keys, at: path + ".", into: &root)
        }
        report(
            .configurationUnknownKey, entry.keyMark,
            "unknown key \((prefix + path).shown); "
                + Self.suggestion(for: entry.key, at: section, among: keys.map(\.path)))
    }

    /// What the user may have meant: the nearest key beside it, a key of that name elsewhere, or all keys there.
    static func suggestion(for name: String, at section: String, among paths: [String]) -> String {
        if name.contains("."), paths.contains(section + name) {
            let nested = name.split(separator: ".").joined(separator: ": {")
            return "write nested mappings: \(nested): …" + name.filter { $0 == "." }.map { _ in "}" }.joined()
        }
        var siblings: [String] = []
        for path in paths where path.hasPrefix(section) {
            let sibling = String(path.dropFirst(section.count).prefix { $0 != "." })
            if !siblings.contains(sibling) { siblings.append(sibling) }
        }
        if let nearest = EditDistance.nearest(to: name, in: siblings) { return "did you mean \(section)\(nearest)?" }
        let elsewhere = paths.filter { $0.split(separator: ".").last.map(String.init) == name }
        if !elsewhere.isEmpty, elsewhere.count <= 3 { return "did you mean \(elsewhere.joined(separator: " or "))?" }
        return "keys here are \(siblings.joined(separator: ", "))"
    }
}
