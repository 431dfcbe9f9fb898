/// Text from elsewhere made harmless for a terminal.
///
/// What the agent, Vagrant or PostgreSQL says is shown to a person; a control character in it could move the cursor,
/// rename the window or answer for the keyboard.
package enum TerminalText {
    /// The text without control characters (C0, DEL, C1), line breaks, and invisible characters such as those that turn
    /// the direction of writing.
    ///
    /// Whole escape sequences that set colours are dropped, any other control character becomes `·`.
    /// - Parameter keepingTabs: whether a tab stays one; otherwise it becomes a space.
    package static func clean(_ text: String, keepingTabs: Bool = false) -> String {
        guard text.unicodeScalars.contains(where: isHarmful) else { return text }
        var result = String.UnicodeScalarView()
        var rest = Substring(text).unicodeScalars
        while let scalar = rest.popFirst() {
            if scalar == "\t" {
                result.append(keepingTabs ? "\t" : " ")
            } else if scalar == "\u{1b}", let after = afterColour(rest) {
                rest = after
            } else if isHarmful(scalar) {
                result.append("·")
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    /// What follows a colour sequence (`[`, digits and semicolons, `m`), or nil when it is something else.
    private static func afterColour(_ rest: Substring.UnicodeScalarView) -> Substring.UnicodeScalarView? {
        guard rest.first == "[" else { return nil }
        let tail = rest.dropFirst().drop { ("0"..."9").contains($0) || $0 == ";" }
        return tail.first == "m" ? tail.dropFirst() : nil
    }

    /// The same for a text of several lines, as errors are.
    package static func cleanLines(_ text: String) -> String {
        text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
            .map { clean(String($0)) }.joined(separator: "\n")
    }

    private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20..<0x7f: return false
        // Words of Persian and Indian scripts, and pictures put together, need the two joiners.
        case 0x200c, 0x200d: return false
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: return true
        default: return false
        }
    }

    /// How many columns the text takes: wide East Asian characters and emoji take two, combining marks none.
    package static func width(_ text: String) -> Int {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
        return text.reduce(0) { $0 + width($1) }
    }

    private static func width(_ character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        switch scalar.value {
        case 0x1100...0x115f, 0x2e80...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f, 0xff00...0xff60,
            0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f680...0x1faff, 0x20000...0x3fffd:
            return 2
        default:
            switch scalar.properties.generalCategory {
            case .nonspacingMark, .enclosingMark, .format: return 0
            default: return 1
            }
        }
    }

    /// The text cut to so many columns, with an ellipsis where something is missing.
    package static func fit(_ text: String, _ columns: Int, ellipsis: String = "…") -> String {
        guard columns > 0 else { return "" }
        guard width(text) > columns else { return text }
        let room = columns - width(ellipsis)
        var used = 0
        var result = ""
        for character in text {
            used += width(character)
            if used > room { break }
            result.append(character)
        }
        return room >= 0 ? result + ellipsis : ""
    }

    /// The text filled with spaces on the right to so many columns.
    package static func pad(_ text: String, _ columns: Int) -> String {
        text + String(repeating: " ", count: max(0, columns - width(text)))
    }
}
