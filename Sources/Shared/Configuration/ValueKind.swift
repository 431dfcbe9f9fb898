/// The type of a key's value: how it is read, what is allowed, how it is written and described.
struct ValueKind<Value: Sendable>: Sendable {
    /// Completes "it must be …".
    var words: String
    /// Whether a variable's or flag's text is the value itself; otherwise it is read as YAML.
    var isScalar = true
    /// Whether a wrong value may be a password and must not be shown.
    var isSecret = false
    /// Whether this value may have a password in it and is not shown when it is refused.
    var hides: @Sendable (Value) -> Bool = { _ in false }
    /// The value of a node, nil when it has another type; nothing else is checked here.
    var parse: @Sendable (YAMLNode) -> Value?
    /// What is wrong with the value, completing "KEY is VALUE, but …"; nil when nothing is.
    var complaint: @Sendable (Value) -> String?
    /// The value as YAML in one line.
    var render: @Sendable (Value) -> String
}

extension ValueKind where Value == String {
    /// A text for which a predicate holds.
    static func text(_ words: String, where rule: @escaping @Sendable (String) -> Bool) -> ValueKind {
        text(words, complaint: { rule($0) ? nil : "must be \(words)" })
    }

    static func text(_ words: String, complaint: @escaping @Sendable (String) -> String?) -> ValueKind {
        ValueKind(words: words, parse: \.text, complaint: complaint, render: YAMLText.quoteIfNeeded)
    }
}

extension ValueKind where Value == Int {
    static func integer(_ range: ClosedRange<Int>, unit: String? = nil) -> ValueKind {
        let words = "a whole number from \(range.lowerBound) to \(range.upperBound)" + (unit.map { " (\($0))" } ?? "")
        return ValueKind(
            words: words, parse: \.integer, complaint: { range.contains($0) ? nil : "must be \(words)" },
            render: { String($0) })
    }

    /// A port that is published; those below 1024 belong to the system.
    static var publishedPort: ValueKind { integer(1024...65535) }

    /// Milliseconds; `500ms`, `2s` and `1min` are read too.
    static func milliseconds(_ range: ClosedRange<Int>) -> ValueKind {
        let words =
            "a time from \(DurationText.render(range.lowerBound)) to \(DurationText.render(range.upperBound)),"
            + " as milliseconds or as 500ms, 2s, 1min"
        return ValueKind(
            words: words, parse: { $0.plainText.flatMap(DurationText.milliseconds) },
            complaint: { range.contains($0) ? nil : "must be \(words)" }, render: DurationText.render)
    }
}

extension ValueKind where Value == Bool {
    static var boolean: ValueKind {
        ValueKind(
            words: "true or false",
            parse: { node in
                switch node.plainText {
                case "true": true
                case "false": false
                default: nil
                }
            }, complaint: { _ in nil }, render: { String($0) })
    }
}

extension ValueKind where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of the words of an enumeration.
    static var choice: ValueKind {
        let words = Value.allCases.map(\.rawValue)
        let list = words.dropLast().joined(separator: ", ") + (words.count > 1 ? " or " : "") + (words.last ?? "")
        return ValueKind(
            words: list, parse: { $0.text.flatMap(Value.init(rawValue:)) }, complaint: { _ in nil },
            render: \.rawValue)
    }
}

extension ValueKind {
    /// The same or a word that stands for nil.
    func optional(_ word: String = "auto") -> ValueKind<Value?> {
        ValueKind<Value?>(
            words: "\(words), or `\(word)`", isScalar: isScalar, isSecret: isSecret,
            hides: { $0.map(hides) ?? false },
            parse: { node in
                if node.text == word { return .some(nil) }
                return parse(node).map { .some($0) }
            },
            complaint: { value in
                value.flatMap(complaint).map { $0 == "must be \(words)" ? "\($0), or `\(word)`" : $0 }
            }, render: { $0.map(render) ?? word })
    }
}

extension ValueKind where Value == [String] {
    /// A list of texts; a single text stands for a list of one.
    static func list(of words: String, where rule: @escaping @Sendable (String) -> Bool) -> ValueKind {
        ValueKind(
            words: "a list such as [a, b], each \(words)", isScalar: false,
            parse: { node in
                if let text = node.text { return [text] }
                guard case .sequence(let elements) = node.content else { return nil }
                let texts = elements.compactMap(\.text)
                return texts.count == elements.count ? texts : nil
            },
            complaint: { values in
                values.first { !rule($0) }.map { "\($0.shown) is not \(words)" }
            },
            render: { "[\($0.map(YAMLText.quoteIfNeeded).joined(separator: ", "))]" })
    }
}

extension ValueKind where Value == PasswordSource {
    /// A reference to a password; a literal one is refused without showing it.
    static var password: ValueKind {
        let words = "generate, env:NAME, file:PATH or command:LINE"
        return ValueKind(
            words: words, isSecret: true, parse: { $0.text.flatMap(PasswordSource.init) },
            complaint: { source in
                switch source {
                case .generate: nil
                case .environment(let name):
                    NameRules.isVariableName(name)
                        ? nil : "must name a variable of letters, digits and `_` after `env:`"
                case .file(let path):
                    NameRules.isPlainLine(path) ? nil : "must give a path without control characters after `file:`"
                case .command(let line):
                    NameRules.isPlainLine(line)
                        ? nil : "must give a command line without control characters after `command:`"
                }
            }, render: { YAMLText.quoteIfNeeded($0.description) })
    }
}
