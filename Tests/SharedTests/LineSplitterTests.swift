import Shared
import Testing

@Suite struct LineSplitterTests {
    private func split(_ pieces: [[UInt8]], _ splitter: LineSplitter = LineSplitter()) -> [String] {
        var splitter = splitter
        return pieces.flatMap { splitter.append($0) } + [splitter.finish()].compactMap { $0 }
    }

    @Test func linesAndTheLastOne() {
        #expect(split([Array("a\nb\r\nc".utf8)]) == ["a", "b", "c"])
        #expect(split([Array("\n\n".utf8)]).isEmpty && split([]).isEmpty)
    }

    @Test func redrawnProgressIsCut() {
        #expect(split([Array("10%\r20%\r\n".utf8)]) == ["10%", "20%"])
        #expect(split([Array("10%\r20%\n".utf8)], LineSplitter(breaksAtCarriageReturn: false)) == ["10%\r20%"])
    }

    @Test func theCutsOfTheBuffersDoNotMatter() {
        let text = "grüße 🐘\nzweite\r\ndritte"
        let bytes = Array(text.utf8)
        for size in 1...bytes.count {
            let pieces = stride(from: 0, to: bytes.count, by: size).map {
                Array(bytes[$0..<min($0 + size, bytes.count)])
            }
            #expect(split(pieces) == ["grüße 🐘", "zweite", "dritte"], "pieces of \(size)")
        }
    }

    @Test func endlessLinesAreCutAtTheLimit() {
        #expect(split([Array("abcdefgh\n".utf8)], LineSplitter(limit: 3)) == ["abc", "def", "gh"])
    }

    @Test func bytesThatAreNoTextDoNotHarm() {
        #expect(split([[0xFF, 0x61, 0x0A, 0xC3]]) == ["\u{FFFD}a", "\u{FFFD}"])
    }
}
