import TestSupport

extension SeededGenerator {
    /// A short text of scalars that quoting has to survive: quotes, backslashes, line ends, combining marks.
    mutating func hostileText() -> String {
        let alphabet: [Unicode.Scalar] = [
            "'", "\"", "\\", "a", "E", "$", ":", ";", "-", " ", "\n", "\r", "\t", "\u{301}", "\u{200D}", "🐘", "é", "#",
        ]
        var view = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...8, using: &self) {
            view.append(alphabet.randomElement(using: &self) ?? "a")
        }
        return String(view)
    }
}
