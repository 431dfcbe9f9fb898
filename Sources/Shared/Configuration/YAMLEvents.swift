import CLibYAML

/// libyaml's event stream, turned into a tree by recursive descent; used once and ended by hand.
struct YAMLEvents {
    /// On the heap, because libyaml's parser keeps a pointer to itself and must not be moved.
    private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    private let text: UnsafeBufferPointer<UInt8>
    private var nodeCount = 0

    /// - Parameter text: valid UTF-8 without byte order mark, not empty; must outlive this value.
    init(_ text: UnsafeBufferPointer<UInt8>) {
        self.text = text
        yaml_parser_initialize(parser)
        yaml_parser_set_input_string(parser, text.baseAddress, text.count)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    }

    func end() {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// Reads the stream's only document.
    mutating func document() throws(YAMLNode.SyntaxProblem) -> YAMLNode? {
        _ = try next()  // Start of the stream.
        guard try next().kind == .documentStart else { return nil }
        let root = try node(from: try next(), depth: 0)
        _ = try next()  // End of the document.
        let last = try next()
        guard last.kind == .streamEnd else {
            throw problem(last, "several documents in one file are not supported; keep the first and remove the rest")
        }
        return root
    }

    private mutating func node(from event: Event, depth: Int) throws(YAMLNode.SyntaxProblem) -> YAMLNode {
        nodeCount += 1
        guard nodeCount <= YAMLNode.Limits.nodes else {
            throw problem(event, "more than \(YAMLNode.Limits.nodes) values; a configuration needs far fewer")
        }
        guard depth < YAMLNode.Limits.depth else {
            throw problem(event, "nested deeper than \(YAMLNode.Limits.depth) levels; a configuration needs at most 4")
        }
        switch event.kind {
        case .scalar(let value, let plain): return YAMLNode(.scalar(value, plain: plain), at: event.mark)
        case .sequenceStart:
            var elements: [YAMLNode] = []
            while true {
                let element = try next()
                if element.kind == .collectionEnd { return YAMLNode(.sequence(elements), at: event.mark) }
                elements.append(try node(from: element, depth: depth + 1))
            }
        case .mappingStart: return YAMLNode(.mapping(try entries(depth: depth)), at: event.mark)
        case .documentStart, .collectionEnd, .streamEnd, .other:
            throw problem(event, "a value is missing here")
        }
    }

    private mutating func entries(depth: Int) throws(YAMLNode.SyntaxProblem) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var lines: [String: Int] = [:]
        while true {
            let event = try next()
            if event.kind == .collectionEnd { return entries }
            guard case .scalar(let key, _) = event.kind else {
                throw problem(event, "a list or mapping stands where a key must be; write `key: value`")
            }
            if let line = lines[key] {
                throw problem(
                    event, "the key \(key.shown) stands here for the second time, first in line \(line); keep one")
            }
            lines[key] = event.mark.line
            let value = try node(from: try next(), depth: depth + 1)
            entries.append(YAMLNode.Entry(key: key, keyMark: event.mark, value: value))
        }
    }

    /// What is needed of one event, copied out of libyaml's memory.
    private struct Event {
        enum Kind: Equatable {
            case documentStart
            case scalar(String, plain: Bool)
            case sequenceStart, mappingStart, collectionEnd, streamEnd, other
        }

        var kind: Kind
        var mark: YAMLNode.Mark
    }

    private mutating func next() throws(YAMLNode.SyntaxProblem) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw parserProblem() }
        defer { yaml_event_delete(&event) }
        let mark = Self.mark(event.start_mark)
        func refuseDecoration(_ anchor: UnsafeMutablePointer<yaml_char_t>?, _ tag: UnsafeMutablePointer<yaml_char_t>?)
            throws(YAMLNode.SyntaxProblem)
        {
            if anchor != nil { throw aliasProblem(mark) }
            if tag != nil {
                throw YAMLNode.SyntaxProblem(
                    mark: mark, text: "tags (`!…`) are not supported; put a text that begins with `!` in quotes")
            }
        }
        switch event.type {
        case YAML_DOCUMENT_START_EVENT: return Event(kind: .documentStart, mark: mark)
        case YAML_ALIAS_EVENT: throw aliasProblem(mark)
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            try refuseDecoration(scalar.anchor, scalar.tag)
            let value = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            return Event(kind: .scalar(value, plain: scalar.style == YAML_PLAIN_SCALAR_STYLE), mark: mark)
        case YAML_SEQUENCE_START_EVENT:
            try refuseDecoration(event.data.sequence_start.anchor, event.data.sequence_start.tag)
            return Event(kind: .sequenceStart, mark: mark)
        case YAML_MAPPING_START_EVENT:
            try refuseDecoration(event.data.mapping_start.anchor, event.data.mapping_start.tag)
            return Event(kind: .mappingStart, mark: mark)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return Event(kind: .collectionEnd, mark: mark)
        case YAML_STREAM_END_EVENT: return Event(kind: .streamEnd, mark: mark)
        default: return Event(kind: .other, mark: mark)
        }
    }

    private func problem(_ event: Event, _ text: String) -> YAMLNode.SyntaxProblem {
        YAMLNode.SyntaxProblem(mark: event.mark, text: text)
    }

    private func aliasProblem(_ mark: YAMLNode.Mark) -> YAMLNode.SyntaxProblem {
        YAMLNode.SyntaxProblem(
            mark: mark,
            text:
                "anchors and aliases are not supported; write the value out, or in quotes if it begins with `&` or `*`")
    }

    /// libyaml's own complaint; its words are constants and quote nothing of the text.
    private func parserProblem() -> YAMLNode.SyntaxProblem {
        let words = parser.pointee.problem.map { String(cString: $0) } ?? "the text is not YAML"
        if parser.pointee.error == YAML_READER_ERROR {
            return YAMLNode.SyntaxProblem(
                mark: YAMLNode.mark(in: text, at: parser.pointee.problem_offset),
                text:
                    "\(words) (byte \(parser.pointee.problem_offset)); remove it or write it as an escape in double quotes"
            )
        }
        let context = parser.pointee.context.map { " \(String(cString: $0))" } ?? ""
        return YAMLNode.SyntaxProblem(
            mark: Self.mark(parser.pointee.problem_mark),
            text: "this is not YAML: \(words)\(context); check indentation (spaces, never tabs), colons and quotes")
    }

    private static func mark(_ mark: yaml_mark_t) -> YAMLNode.Mark {
        YAMLNode.Mark(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }
}
