/// What differs between a Vagrantfile of pgaf as it lies there and as it would be written, a value each.
enum VagrantfileDifference {
    /// `Vagrantfile: memory 6144 → 8192`, `Vagrantfile: forwarded_ports + 5004 => 5004`; empty when they are equal.
    static func lines(from old: String, to new: String) -> [String] {
        if old == new { return [] }
        let (before, after) = (values(old), values(new))
        let lines = Set(before.keys).union(after.keys).sorted().flatMap { name in
            difference(name, before[name] ?? "nothing", after[name] ?? "nothing")
        }
        return lines.isEmpty ? ["Vagrantfile: write it in this release's form"] : lines.map { "Vagrantfile: \($0)" }
    }

    private static func difference(_ name: String, _ old: String, _ new: String) -> [String] {
        if old == new { return [] }
        guard old.hasPrefix("{"), new.hasPrefix("{") else { return ["\(name) \(old) → \(new)"] }
        let (before, after) = (elements(old), elements(new))
        return before.filter { !after.contains($0) }.map { "\(name) - \($0)" }
            + after.filter { !before.contains($0) }.map { "\(name) + \($0)" }
    }

    /// `forwarded_ports`: guest port to host port.
    static func forwards(_ text: String) -> [Int: Int] {
        elements(values(text)["forwarded_ports"] ?? "").reduce(into: [:]) { ports, element in
            let parts = element.split(separator: "=>").map { Int(String($0).trimmed) }
            if parts.count == 2, let guest = parts[0], let host = parts[1] { ports[guest] = host }
        }
    }

    private static func elements(_ hash: String) -> [String] {
        hash.dropFirst().dropLast().split(separator: ",").map { String($0).trimmed }
    }

    /// The values above the first line that is code: `memory` is `6144`.
    static func values(_ text: String) -> [String: String] {
        var result: [String: String] = [:]
        for line in text.split(separator: "\n").prefix(while: { !$0.hasPrefix("Vagrant.") }) {
            guard !line.hasPrefix("#"), let equals = line.firstRange(of: " = ") else { continue }
            // A comment may follow; in quotes its mark is part of the text.
            let value = line[equals.upperBound...]
            let end =
                value.hasPrefix("\"")
                ? value.lastIndex(of: "\"").map(value.index(after:)) : value.firstRange(of: " #")?.lowerBound
            result[String(line[..<equals.lowerBound])] = String(value[..<(end ?? value.endIndex)])
        }
        return result
    }
}
