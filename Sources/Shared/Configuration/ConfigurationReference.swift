/// Writes the documentation of all keys from the same table that reads them.
public enum ConfigurationReference {
    /// Between these lines of a Markdown file stands generated text.
    public static let beginMarker = "<!-- configuration:begin -->"
    public static let endMarker = "<!-- configuration:end -->"

    /// The reference in Markdown: a table for each section, then the example file.
    public static func markdown() -> String {
        var lines: [String] = []
        for section in sections() {
            lines +=
                ["### `\(section.name)`", ""] + table(section.keys, root: Configuration(), hasVariables: true) + [""]
            guard section.name == "nodes" else { continue }
            let element = NodeSettings.defaults(count: 1)[0]
            lines += ["Keys of each node in a list; missing names and ports follow from its place:", ""]
            lines += table(ConfigurationKeys.node, root: element, hasVariables: false) + [""]
        }
        lines += ["### A complete `pgaf.yaml`", "", "Every key with its default:", "", "```yaml"]
        return lines.joined(separator: "\n") + "\n" + example() + "```\n"
    }

    /// A complete `pgaf.yaml` in which every key has a comment and its default, or the value of a configuration.
    public static func example(_ configuration: Configuration = Configuration()) -> String {
        let head =
            configuration == Configuration()
            ? "every key is optional, and this file says what holds without it."
            : "every key is optional; these are the values of the cluster of this directory."
        var lines = [
            "# pgaf.yaml: \(head)",
            "# Stronger than the file are the environment (PGAF_MACHINE_KIND=local) and flags (--set machine.kind=local).",
        ]
        var open: [String] = []
        for key in ConfigurationKeys.all {
            let parts = key.path.split(separator: ".").map(String.init)
            let sections = Array(parts.dropLast())
            let shared = zip(open, sections).prefix { $0 == $1 }.count
            if shared == 0 { lines.append("") }
            for level in shared..<sections.count { lines.append(indent(level) + sections[level] + ":") }
            open = sections
            let margin = indent(sections.count)
            for text in [key.help, "Allowed: \(key.type)."] {
                lines += wrap(text, to: 96 - margin.utf8.count).map { "\(margin)# \($0)" }
            }
            if key.path == ConfigurationKeys.nodes.path {
                lines += ["# A list gives each its own keys: " + sampleNode]
            }
            lines.append("\(margin)\(key.name): \(key.render(configuration))")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static let sampleNode = "[{name: db1, candidate_priority: 100}, {name: db2}, {name: db3, port: 6003}]"

    private static func indent(_ level: Int) -> String { String(repeating: "  ", count: level) }

    /// Lines of at most `width` characters, cut between words.
    private static func wrap(_ text: String, to width: Int) -> [String] {
        var lines: [String] = [""]
        for word in text.split(separator: " ") {
            let last = lines[lines.count - 1]
            if last.isEmpty {
                lines[lines.count - 1] = String(word)
            } else if last.count + 1 + word.count <= width {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }

    private static func sections() -> [(name: String, keys: [ConfigurationKey<Configuration>])] {
        var result: [(name: String, keys: [ConfigurationKey<Configuration>])] = []
        for key in ConfigurationKeys.all {
            let name = String(key.path.prefix { $0 != "." })
            if result.last?.name == name {
                result[result.count - 1].keys.append(key)
            } else {
                result.append((name, [key]))
            }
        }
        return result
    }

    private static func table<Root>(
        _ keys: [ConfigurationKey<Root>], root: Root, hasVariables: Bool
    ) -> [String] {
        let heads = ["Key", "Type", "Default"] + (hasVariables ? ["Environment"] : []) + ["What it does"]
        let rows = keys.map { key in
            ["`\(key.path)`", key.type, "`\(key.render(root))`"]
                + (hasVariables ? ["`\(key.environmentVariable)`"] : []) + [key.help]
        }
        return [heads, heads.map { _ in "---" }].map(row) + rows.map(row)
    }

    private static func row(_ cells: [String]) -> String {
        "| "
            + cells.map { $0.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|") }
            .joined(separator: " | ") + " |"
    }
}
