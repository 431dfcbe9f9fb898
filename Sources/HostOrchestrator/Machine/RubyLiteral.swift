/// The one place that writes values into Ruby source.
enum RubyLiteral {
    /// A double-quoted literal that Ruby reads back as exactly this text.
    ///
    /// Everything but plain ASCII is written as `\u{…}`: quotes, backslashes and `#` (no interpolation possible), and
    /// line ends, which Ruby would otherwise normalise inside a literal.
    static func string(_ text: String) -> String {
        let body = text.unicodeScalars.map { scalar -> String in
            let plain = scalar.value >= 0x20 && scalar.value < 0x7F
            let special = scalar == "\"" || scalar == "\\" || scalar == "#"
            return plain && !special ? String(scalar) : "\\u{\(String(scalar.value, radix: 16))}"
        }
        return "\"" + body.joined() + "\""
    }

    static func string(_ text: String?) -> String { text.map(string) ?? "nil" }

    static func hash(_ pairs: [(Int, Int)]) -> String {
        "{" + pairs.map { "\($0.0) => \($0.1)" }.joined(separator: ", ") + "}"
    }
}
