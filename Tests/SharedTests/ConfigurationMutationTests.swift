import Shared
import TestSupport
import Testing

/// Damaged files: whatever happens to the bytes, loading ends, and either gives a configuration or says where it failed.
@Suite struct ConfigurationMutationTests {
    @Test(arguments: 0..<40) func damageIsToldAndNeverFatal(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
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
