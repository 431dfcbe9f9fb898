import FoundationEssentials
import Shared

/// What differs between a container that is there and the one that is wanted, an entry an option of `docker run`.
enum ContainerDifference {
    /// - Parameter labels: those of the container that is there.
    /// - Returns: sentences such as `pgnode2, docker run: --publish 127.0.0.1:5002:5432 → 127.0.0.1:6002:5432`; empty for
    ///   a container that does not say how it was made.
    static func lines(_ labels: [String: String], _ wanted: ContainerSpecification) -> [String] {
        var lines: [String] = []
        if let image = labels[Label.image], image != wanted.imageHash {
            lines.append("\(wanted.name), image: \(ContentHash.short(image)) → \(ContentHash.short(wanted.imageHash))")
        }
        guard let text = labels[Label.arguments],
            let found = try? JSONDecoder().decode([[String]].self, from: Data(text.utf8)), found.count == 3
        else { return lines }
        let parts = wanted.parts
        if found[1] != parts[1] {
            let images = [found[1], parts[1]].map { $0.joined(separator: " ") }
            lines.append("\(wanted.name), image: \(images.joined(separator: " → "))")
        }
        for (index, head) in [(0, "docker run"), (2, wanted.command.first ?? "command")] {
            lines += byOption(options(found[index]), options(parts[index])).map { "\(wanted.name), \(head): \($0)" }
        }
        return lines
    }

    /// An option with the values that it is given; other words are options of no value.
    private typealias Option = (name: String, values: [String])

    /// The words by option, in their order; one that comes several times (`--volume`) has several values.
    private static func options(_ words: [String]) -> [Option] {
        var options: [Option] = []
        var index = 0
        while index < words.count {
            let name = words[index]
            let next = index + 1 < words.count ? words[index + 1] : nil
            let value = name.hasPrefix("--") ? next.flatMap { $0.hasPrefix("--") ? nil : $0 } : nil
            index += value == nil ? 1 : 2
            if let place = options.firstIndex(where: { $0.name == name }) {
                options[place].values += [value ?? ""]
            } else {
                options.append((name, [value ?? ""]))
            }
        }
        return options
    }

    private static func byOption(_ old: [Option], _ new: [Option]) -> [String] {
        let names = old.map(\.name) + new.map(\.name).filter { name in !old.contains { $0.name == name } }
        return names.flatMap { name in
            let before = old.first { $0.name == name }?.values ?? []
            let after = new.first { $0.name == name }?.values ?? []
            let gone = before.filter { !after.contains($0) }
            let come = after.filter { !before.contains($0) }
            if gone.count == 1, come.count == 1 { return ["\(name) \(gone[0]) → \(come[0])"] }
            func line(_ sign: String, _ value: String) -> String {
                value.isEmpty ? "\(sign) \(name)" : "\(sign) \(name) \(value)"
            }
            return gone.map { line("-", $0) } + come.map { line("+", $0) }
        }
    }
}
