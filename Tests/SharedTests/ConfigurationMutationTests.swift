import Shared
import Testing

/// Damaged files: whatever happens to the bytes, loading ends, and either gives a configuration or says where it failed.
@Suite struct ConfigurationMutationTests {
    /// A generator with a seed, so that a failure can be repeated.
    private struct SeededGenerator: RandomNumberGenerator {
        var state: UInt64

        /// SplitMix64.
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    @Test(arguments: 0..<40) func damageIsToldAndNeverFatal(_ seed: UInt64) throws {
        var generator = SeededGenerator(state: seed)
        let example = ConfigurationReference.example()
            .replacing("\nnodes: 3\n", with: "\nnodes: [{name: a, port: 5009}, {}]\n")
        try #require(try load(example).configuration.nodes.count == 2)
        let original = Array(example.utf8)
        let pieces = [
            "{", "}", "[", "]", ":", "- ", "\n", "\"", "'", "&a", "*a", "!!x", "\t", "|", "?", "#", "\u{0}", "\u{202E}",
        ]
        for _ in 0..<5 {
            var bytes = Array(original.dropLast(Int.random(in: 0..<original.count, using: &generator)))
            for _ in 0..<Int.random(in: 0...4, using: &generator) {
                let place = Int.random(in: 0...bytes.count, using: &generator)
                if Bool.random(using: &generator), let piece = pieces.randomElement(using: &generator) {
                    bytes.insert(contentsOf: piece.utf8, at: place)
                } else if place < bytes.count {
                    bytes[place] = UInt8.random(in: 0...255, using: &generator)
                }
            }
            do {
                _ = try ConfigurationLoader.load(file: "f", reading: { _ in bytes })
            } catch {
                let known = try #require(error as? PgafError)
                #expect(known.code.rawValue.hasPrefix("configuration."))
                let unplaced = known.message.split(separator: "\n").filter { !$0.hasPrefix("f:") && !$0.hasPrefix("…") }
                #expect(unplaced.isEmpty, "\(unplaced)")
            }
        }
    }
}
