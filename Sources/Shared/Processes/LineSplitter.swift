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
        for byte in bytes {
            let ends = byte == UInt8(ascii: "\n") || (breaksAtCarriageReturn && byte == UInt8(ascii: "\r"))
            if !ends { pending.append(byte) }
            if ends || pending.count >= limit, let line = finish() { lines.append(line) }
        }
        return lines
    }

    /// The last line, if it did not end with a line end.
    public mutating func finish() -> String? {
        guard !pending.isEmpty else { return nil }
        defer { pending.removeAll(keepingCapacity: true) }
        return String(decoding: pending, as: UTF8.self)
    }
}
