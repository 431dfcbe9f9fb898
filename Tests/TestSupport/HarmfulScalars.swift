extension Unicode.Scalar {
    /// Whether it could move the cursor, answer for the keyboard, or hide or turn text: by the character's category, not by
    /// the rule of the program. The two joiners of words and pictures are not among them.
    package var isHarmfulInTerminals: Bool {
        if value == 0x200c || value == 0x200d { return false }
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: return true
        default: return false
        }
    }
}

extension String {
    /// The text without what pgaf's own live view sends to a terminal: lines up, clear, hide and show the cursor, colours.
    package var withoutOwnSequences: String {
        var result = String.UnicodeScalarView()
        var rest = Substring(self).unicodeScalars
        while let scalar = rest.popFirst() {
            if scalar == "\u{1b}", rest.first == "[" {
                let tail = rest.dropFirst().drop { ("0"..."9").contains($0) || $0 == "?" }
                let isOwn =
                    switch tail.first {
                    case "A", "J", "m": true
                    case "l", "h": rest.starts(with: "[?25".unicodeScalars)
                    default: false
                    }
                if isOwn, rest.prefix(while: { $0 != tail.first }).count < 6 {
                    rest = tail.dropFirst()
                    continue
                }
            }
            if scalar != "\n", scalar != "\r" { result.append(scalar) }
        }
        return String(result)
    }
}
