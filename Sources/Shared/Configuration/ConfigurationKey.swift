/// One row of the table that drives everything: reading files, variables and flags, checking, and the documentation.
///
/// `Root` is `Configuration`, or `NodeSettings` for the keys of one node.
public struct ConfigurationKey<Root: Sendable>: Sendable {
    /// `machine.vagrant.memory`
    public let path: String
    /// The type and its limits in words.
    public let type: String
    /// One sentence for people.
    public let help: String
    /// Whether a text from a variable or flag is the value itself.
    let isScalar: Bool
    /// Whether a wrong value must not be shown.
    let isSecret: Bool
    /// Reads a node into the root, reporting problems and places to the reading.
    let read: @Sendable (YAMLNode, inout Root, inout ConfigurationReading) -> Void
    /// What is wrong with the value there.
    /// The path's beginning (`nodes[0].`) goes before the paths of keys that are relative to a node.
    let problems: @Sendable (_ root: Root, _ prefix: String) -> [ConfigurationProblem]
    /// The value as YAML in one line.
    let render: @Sendable (Root) -> String

    /// The last part of the path: `memory`.
    public var name: String { String(path.split(separator: ".").last ?? "") }

    /// `PGAF_MACHINE_VAGRANT_MEMORY`
    public var environmentVariable: String {
        "PGAF_" + path.uppercased().map { $0 == "." || $0 == "-" ? "_" : String($0) }.joined()
    }
}

extension ConfigurationKey<Configuration> {
    /// The default as YAML in one line.
    public var renderedDefault: String { render(Configuration()) }
}

extension ConfigurationKey {
    /// A key whose value stands at one place of the root.
    init<Value>(
        _ path: String, _ place: WritableKeyPath<Root, Value> & Sendable, _ kind: ValueKind<Value>, _ help: String
    ) {
        self.init(
            path: path, type: kind.words, help: help, isScalar: kind.isScalar, isSecret: kind.isSecret,
            read: { node, root, reading in
                let path = reading.prefix + path
                reading.marks[path] = node.mark
                if let value = kind.parse(node) {
                    root[keyPath: place] = value
                } else if kind.isSecret {
                    reading.report(
                        .configurationInvalid, node.mark,
                        "\(path) must be \(kind.words); a password itself never stands in a configuration, so it is not"
                            + " shown here: put it into a file of mode 0600 and write file:PATH")
                } else if node.isNull {
                    reading.report(
                        .configurationInvalid, node.mark,
                        "\(path) is empty; remove it for the default, or write \(kind.words)")
                } else {
                    let quoted = node.text != nil && node.plainText == nil ? " in quotes" : ""
                    reading.report(
                        .configurationInvalid, node.mark, "\(path) is \(node.shown)\(quoted), but must be \(kind.words)"
                    )
                }
            },
            problems: { root, prefix in
                let value = root[keyPath: place]
                guard let complaint = kind.complaint(value) else { return [] }
                let shown = kind.isSecret || kind.hides(value) ? "" : " is \(Self.quoted(kind.render(value))), but"
                return [
                    ConfigurationProblem(.configurationInvalid, prefix + path, "\(prefix)\(path)\(shown) \(complaint)")
                ]
            },
            render: { kind.render($0[keyPath: place]) })
    }

    /// Texts that YAML needs no quotes for are quoted all the same in an error; numbers and lists are not.
    private static func quoted(_ whole: String) -> String {
        // A file may have a value of 1 MiB.
        let scalars = whole.unicodeScalars.prefix(200)
        let rendered = scalars.endIndex == whole.endIndex ? whole : String(scalars) + "…"
        if rendered.hasPrefix("\"") || rendered.hasPrefix("[") || Int(rendered) != nil { return rendered }
        return "\"\(rendered)\""
    }
}

/// What reading a tree of one source found: problems and where each key stood.
struct ConfigurationReading {
    struct Problem {
        var code: ErrorCode
        var mark: YAMLNode.Mark
        var text: String
    }

    var problems: [Problem] = []
    var marks: [String: YAMLNode.Mark] = [:]
    /// Put before the paths of keys that are relative to a node: `nodes[0].`.
    var prefix = ""

    mutating func report(_ code: ErrorCode, _ mark: YAMLNode.Mark, _ text: String) {
        problems.append(Problem(code: code, mark: mark, text: text))
    }
}

/// Something wrong with a configuration as a value; where it was written is known to the loader alone.
public struct ConfigurationProblem: Sendable, Equatable {
    public var code: ErrorCode
    /// The key, `nodes[0].port` for instance.
    public var path: String
    /// Other keys that take part in a conflict.
    public var others: [String]
    /// The whole sentence: the key, its value, what would be right.
    public var message: String

    init(_ code: ErrorCode, _ path: String, others: [String] = [], _ message: String) {
        self.code = code
        self.path = path
        self.others = others
        self.message = message
    }
}
