import Shared
import TestSupport
import Testing

/// Every line of the corpus as an agent may send it: an event that comes back as it was, or a failure that shows nothing of
/// it that could harm.
@Suite struct CorpusEventTests {
    @Test(arguments: try Corpus.cases("events.txt")) func isReadOrRefused(_ hostile: CorpusCase) throws {
        guard case .refused(let code) = hostile.fate else {
            let event = try EventCoding.decode(hostile.text)
            let word = try #require(hostile.words.first)
            if case .unknown = event.body {} else { #expect(event.body.type == word) }
            let again = try EventCoding.encode(event)
            #expect(!again.unicodeScalars.contains { $0.value < 32 })
            if case .unknown = event.body { return }
            #expect(try EventCoding.decode(again) == event)
            let shown = try EventCoding.encode(event.mapTexts { TerminalText.clean($0) })
            #expect(!shown.unicodeScalars.contains { $0.isHarmfulInTerminals }, "\(shown.prefix(200))")
            return
        }
        let error = try #require(failure { try EventCoding.decode(hostile.text) }, "was taken")
        #expect(error.code == code)
        #expect(hostile.isToldBy(error.message), "\(error.message)")
        #expect(error.description.utf8.count < 2000)
        #expect(!error.description.unicodeScalars.contains { $0 != "\n" && $0.isHarmfulInTerminals })
    }
}
