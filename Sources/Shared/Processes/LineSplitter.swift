#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Cuts a byte stream into lines at `\n` and at `\r`, as tools that redraw their progress need it.
///
/// Bytes are decoded as UTF-8 only once a line is complete, so a character cut by a buffer's end stays whole. A line
/// longer than the limit is cut there, so that endless output cannot fill the memory.
public struct LineSplitter: Sendable {
    private var pending: [UInt8] = []
    private let limit: Int
    private let breaksAtCarriageReturn: Bool

    /// - Parameters:
    ///   - limit: the longest line in bytes (default 64 KiB, the wire's own limit).
    ///   - breaksAtCarriageReturn: whether a lone `\r` ends a line too.
    public init(limit: Int = 64 << 10, breaksAtCarriageReturn: Bool = true) {
        self.limit = limit
        self.breaksAtCarriageReturn = breaksAtCarriageReturn
    }

    /// Takes bytes and returns the lines that they complete; empty lines are left out.
    public mutating func append(_ bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        let isContiguous: Void? = bytes.withContiguousStorageIfAvailable { take($0[...], into: &lines) }
        if isContiguous == nil { Array(bytes).withUnsafeBufferPointer { take($0[...], into: &lines) } }
        return lines
    }

    private typealias Bytes = Slice<UnsafeBufferPointer<UInt8>>

    private mutating func take(_ bytes: Bytes, into lines: inout [String]) {
        Self.forEachPiece(bytes, endedBy: UInt8(ascii: "\n")) { line, isEnded in
            guard breaksAtCarriageReturn else { return take(line, isEnded, into: &lines) }
            Self.forEachPiece(line, endedBy: UInt8(ascii: "\r")) { part, isCut in
                take(part, isCut, into: &lines)
            }
            if isEnded, let last = finish() { lines.append(last) }
        }
    }

    /// Takes a piece without a line end, and the line end after it if there is one.
    private mutating func take(_ piece: Bytes, _ isEnded: Bool, into lines: inout [String]) {
        var rest = piece
        while !rest.isEmpty {
            let part = rest.prefix(limit - pending.count)
            pending.append(contentsOf: part)
            rest = rest.dropFirst(part.count)
            if pending.count == limit, let line = finish() { lines.append(line) }
        }
        if isEnded, let line = finish() { lines.append(line) }
    }

    /// A search over many bytes at once: a flood has hundreds of megabytes.
    private static func forEachPiece(_ bytes: Bytes, endedBy end: UInt8, _ body: (Bytes, _ isEnded: Bool) -> Void) {
        var rest = bytes
        while let start = UnsafeBufferPointer(rebasing: rest).baseAddress, !rest.isEmpty {
            guard let found = memchr(start, Int32(end), rest.count) else { return body(rest, false) }
            let length = UnsafeRawPointer(found) - UnsafeRawPointer(start)
            body(rest.prefix(length), true)
            rest = rest.dropFirst(length + 1)
        }
    }

    /// The last line, if it did not end with a line end.
    public mutating func finish() -> String? {
        guard !pending.isEmpty else { return nil }
        defer { pending.removeAll(keepingCapacity: true) }
        return String(decoding: pending, as: UTF8.self)
    }
}
