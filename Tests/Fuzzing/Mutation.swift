import TestSupport

/// Damaged copies of seeds, the same ones for the same seed of the generator: for runs that libFuzzer has no part in.
package struct Mutation: Sendable {
    private let seeds: [[UInt8]]
    private var generator: SeededGenerator

    package init(_ seeds: [[UInt8]], seed: UInt64) {
        // What is only long would take all the time.
        self.seeds = seeds.filter { $0.count <= 32 << 10 }
        generator = SeededGenerator(seed: seed)
    }

    /// What readers of bytes, JSON, YAML, lines and terminals trip over.
    private static let pieces: [[UInt8]] =
        [
            "{", "}", "[", "]", ":", ",", "- ", "\n", "\r", "\t", "\"", "'", "\\", "\\u0000", "\\ud800", "&a", "*a",
            "!!x",
            "|", "?", "#", "%", "\u{0}", "\u{1b}[2J", "\u{1b}]52;c;", "\u{9b}", "\u{202E}", "\u{301}", "\u{200D}", "🐘",
            "9223372036854775808", "-1", "1e999", "null", "true", "\"seq\":", "\"type\":\"result\"", "Port ",
            "Host x\n",
        ].map { Array($0.utf8) } + [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xEF, 0xBB, 0xBF]]

    package mutating func next() -> [UInt8] {
        var bytes = seeds.randomElement(using: &generator) ?? []
        for _ in 0..<Int.random(in: 1...5, using: &generator) {
            let place = Int.random(in: 0...bytes.count, using: &generator)
            let end = Int.random(in: place...bytes.count, using: &generator)
            switch Int.random(in: 0..<7, using: &generator) {
            case 0: bytes.insert(contentsOf: Self.pieces.randomElement(using: &generator) ?? [], at: place)
            case 1 where place < bytes.count: bytes[place] = .random(in: 0...255, using: &generator)
            case 2 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 3: bytes.removeSubrange(place..<end)
            case 4: bytes.insert(contentsOf: bytes[place..<min(end, place + 512)], at: place)
            case 5:
                let piece = bytes[place..<min(end, place + 16)]
                let count = Int.random(in: 1...1000, using: &generator)
                bytes.insert(contentsOf: repeatElement(piece, count: count).joined(), at: place)
            default:
                let other = seeds.randomElement(using: &generator) ?? []
                bytes = Array(bytes.prefix(place)) + other.suffix(from: min(end, other.count))
            }
            if bytes.count > 64 << 10 { bytes.removeLast(bytes.count - (64 << 10)) }
        }
        return bytes
    }
}
