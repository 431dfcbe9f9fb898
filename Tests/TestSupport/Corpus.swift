import Foundation
import Shared

/// A hostile or merely odd input, and what must become of it: one line of a file in `Tests/Corpus`, whose README tells how
/// they are written.
package struct CorpusCase: Sendable, CustomStringConvertible {
    package enum Fate: Sendable, Equatable {
        case carried
        case refused(ErrorCode)
    }

    package var fate: Fate
    /// What stands between the fate and the input: a key of the configuration, a place, a type.
    package var words: [String] = []
    /// Part of what the refusal must say.
    package var says: String?
    package var bytes: [UInt8]
    /// File and line.
    package var place: String

    /// Wrong encodings are repaired, as everywhere where text comes from outside.
    package var text: String { String(decoding: bytes, as: UTF8.self) }
    package var isCarried: Bool { fate == .carried }
    /// Whether a refusal says what it must.
    package func isToldBy(_ message: String) -> Bool { says.map { message.contains($0) } ?? true }
    package var description: String { place }
}

package enum Corpus {
    private static let directory = "\(PgafProject.root)/Tests/Corpus"

    /// The cases of a file.
    ///
    /// - Throws: an error that names the line that is no case.
    package static func cases(_ file: String) throws -> [CorpusCase] {
        let text = try String(contentsOfFile: "\(directory)/\(file)", encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return try lines.enumerated().compactMap { index, line in
            guard !line.isEmpty, !line.hasPrefix("#") else { return nil }
            return try CorpusLine(line, at: "\(file):\(index + 1)").wholeCase()
        }
    }

    /// The cases of a file whose words begin with one of these.
    package static func cases(_ file: String, of words: Set<String>) throws -> [CorpusCase] {
        try cases(file).filter { $0.words.first.map(words.contains) ?? false }
    }

    /// The files of a directory as cases; the first line of each, a comment, says what must become of it.
    package static func documents(_ folder: String) throws -> [CorpusCase] {
        try FileManager.default.contentsOfDirectory(atPath: "\(directory)/\(folder)").sorted().map { name in
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(directory)/\(folder)/\(name)")))
            let first = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
            var found = try CorpusLine(first.drop { $0 == "#" || $0 == " " }, at: "\(folder)/\(name)").head()
            found.bytes = bytes
            return found
        }
    }

    /// Every text that somebody may want to have as a value of the configuration, whether it is taken or not: quoting
    /// must carry them all, since it does not know what was checked before.
    package static func texts() throws -> [String] {
        let all = try ["names", "passwords", "ranges", "paths", "settings"].flatMap { try cases("\($0).txt") }
        return Array(Set(all.map(\.text))).sorted()
    }
}

/// Reads one line of a corpus.
private struct CorpusLine {
    private var rest: Substring
    private let place: String

    init(_ line: Substring, at place: String) {
        rest = line
        self.place = place
    }

    mutating private func word() -> String {
        rest = rest.drop { $0 == " " }
        let word = rest.prefix { $0 != " " && $0 != "\r" }
        rest = rest.dropFirst(word.count).drop { $0 == " " }
        return String(word)
    }

    private func wrong(_ what: String) -> PgafError {
        PgafError(.internalError, "\(place): \(what)", remedy: "Correct the line; Tests/Corpus/README.md tells how.")
    }

    /// All but the input.
    func head() throws -> CorpusCase {
        var line = self
        return try line.takeHead()
    }

    private mutating func takeHead() throws -> CorpusCase {
        var fate = CorpusCase.Fate.carried
        switch word() {
        case "carried": break
        case "refused":
            let code = word()
            guard let known = ErrorCode(rawValue: code) else { throw wrong("there is no code \(code)") }
            fate = .refused(known)
        default: throw wrong("it begins with neither carried nor refused")
        }
        var found = CorpusCase(fate: fate, bytes: [], place: place)
        while let first = rest.first, first != "|", first != "\"", first != "\r", !rest.hasPrefix("hex:") {
            let word = word()
            if word == "says" { found.says = try string() } else { found.words.append(word) }
        }
        return found
    }

    func wholeCase() throws -> CorpusCase {
        var line = self
        var found = try line.takeHead()
        found.bytes = try line.input()
        return found
    }

    private mutating func input() throws -> [UInt8] {
        if rest.first == "|" { return Array(rest.dropFirst().drop { $0 == " " }.utf8) }
        var bytes = try term()
        while rest.hasPrefix("+") {
            rest = rest.dropFirst().drop { $0 == " " }
            bytes += try term()
        }
        guard rest.isEmpty || rest.hasPrefix("#") else { throw wrong("this follows the input: \(rest)") }
        return bytes
    }

    private mutating func term() throws -> [UInt8] {
        let bytes = rest.hasPrefix("hex:") ? try hexadecimal(word().dropFirst(4)) : Array(try string().utf8)
        guard rest.hasPrefix("*") else { return bytes }
        _ = word()
        guard let count = Int(word()) else { throw wrong("there is no number after *") }
        var repeated: [UInt8] = []
        repeated.reserveCapacity(bytes.count * count)
        for _ in 0..<count { repeated += bytes }
        return repeated
    }

    private func hexadecimal(_ digits: Substring) throws -> [UInt8] {
        let digits = Array(digits)
        return try stride(from: 0, to: digits.count, by: 2).map { index in
            guard index + 1 < digits.count, let byte = UInt8(String(digits[index...index + 1]), radix: 16) else {
                throw wrong("hex: takes pairs of digits")
            }
            return byte
        }
    }

    /// A string as JSON writes it.
    private mutating func string() throws -> String {
        // By scalars: a quote that a combining mark follows is one character together with it.
        let scalars = rest.unicodeScalars
        guard scalars.first == "\"" else { throw wrong("a string is missing before: \(rest)") }
        var end = scalars.index(after: scalars.startIndex)
        while end < scalars.endIndex, scalars[end] != "\"" {
            if scalars[end] == "\\" { end = scalars.index(after: end) }
            guard end < scalars.endIndex else { break }
            end = scalars.index(after: end)
        }
        guard end < scalars.endIndex else { throw wrong("a string does not end") }
        let literal = String(scalars[scalars.startIndex...end])
        rest = Substring(scalars[scalars.index(after: end)...]).drop { $0 == " " }
        do {
            return try JSONDecoder().decode(String.self, from: Data(literal.utf8))
        } catch {
            throw wrong("this is no string: \(literal)")
        }
    }
}
