/// A YAML document as a tree that remembers where each part stands.
///
/// Only what a configuration needs: scalars, sequences and mappings with text keys. Scalars keep their own text; what
/// `16` or `true` means is decided by the key that reads it, so `tag: 1.10` stays `1.10`.
public struct YAMLNode: Sendable, Equatable {
    /// A place in the text; both count from 1, columns in characters.
    public struct Mark: Sendable, Hashable {
        public var line: Int
        public var column: Int

        public init(line: Int, column: Int) {
            self.line = line
            self.column = column
        }
    }

    /// One `key: value` of a mapping.
    public struct Entry: Sendable, Equatable {
        public var key: String
        public var keyMark: Mark
        public var value: YAMLNode
    }

    public enum Content: Sendable, Equatable {
        /// `plain` is false when the text was quoted or written as a block.
        case scalar(String, plain: Bool)
        case sequence([YAMLNode])
        /// In the order of the text, keys unique.
        case mapping([Entry])
    }

    public var content: Content
    public var mark: Mark

    public init(_ content: Content, at mark: Mark) {
        self.content = content
        self.mark = mark
    }

    /// Whether nothing is written: an empty value, `~` or `null`.
    public var isNull: Bool {
        guard case .scalar(let text, plain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// The node as an error names it: a scalar in quotes, the rest by kind.
    public var shown: String {
        switch content {
        case .scalar(let text, _): isNull ? "empty" : text.shown
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}
