extension YAMLNode {
    /// What a text may contain at most, so that a hostile file costs neither time nor memory.
    public enum Limits {
        /// Bytes of the whole text.
        public static let size = 1 << 20
        /// Levels of sequences and mappings.
        public static let depth = 32
        /// Scalars, sequences and mappings together.
        public static let nodes = 10_000
    }

    /// A text that is refused: where and why, in words that also say what would be right.
    public struct SyntaxProblem: Error, Sendable, Equatable {
        public var mark: Mark
        public var text: String
    }

    /// Reads one document; nil when there is none (an empty text, or comments only).
    ///
    /// A byte order mark at the beginning is skipped. Anchors, aliases, tags, duplicate keys and several documents are
    /// refused. No value of the text appears in a problem, since it may be a password.
    /// - Throws: `SyntaxProblem`.
    public static func parse(_ bytes: [UInt8]) throws(SyntaxProblem) -> YAMLNode? {
        guard bytes.count <= Limits.size else {
            throw SyntaxProblem(
                mark: Mark(line: 1, column: 1),
                text: "the text has \(bytes.count) bytes; at most \(Limits.size) (1 MiB) are read")
        }
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        if let offset = firstInvalidUTF8(text) {
            throw SyntaxProblem(
                mark: mark(in: text, at: offset),
                text: "byte \(offset + bytes.count - text.count) is not valid UTF-8; save the file as UTF-8")
        }
        if text.isEmpty { return nil }
        var problem: SyntaxProblem?
        var result: YAMLNode?
        // The parser keeps a pointer to the text, which therefore lives as long as the closure.
        text.withUnsafeBufferPointer { buffer in
            var events = YAMLEvents(buffer)
            defer { events.end() }
            do throws(SyntaxProblem) { result = try events.document() } catch { problem = error }
        }
        if let problem { throw problem }
        return result
    }

    /// Offset of the first byte that begins no valid UTF-8 sequence.
    private static func firstInvalidUTF8(_ bytes: [UInt8]) -> Int? {
        var parser = Unicode.UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        var offset = 0
        while true {
            switch parser.parseScalar(from: &iterator) {
            case .valid(let sequence): offset += sequence.count
            case .emptyInput: return nil
            case .error: return offset
            }
        }
    }

    /// Line and column of a byte; only used where libyaml gives no better place.
    static func mark(in bytes: some Collection<UInt8>, at offset: Int) -> Mark {
        let before = bytes.prefix(offset)
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        let start = before.reversed().prefix { $0 != UInt8(ascii: "\n") }
        return Mark(line: line, column: start.count { $0 & 0xC0 != 0x80 } + 1)
    }
}
