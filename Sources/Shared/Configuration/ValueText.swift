extension YAMLNode {
    /// The text of a scalar that is not empty; numbers and words count as text too.
    var text: String? {
        guard case .scalar(let text, _) = content, !isNull else { return nil }
        return text
    }

    /// The text of a scalar without quotes: only those are numbers or booleans.
    var plainText: String? {
        guard case .scalar(let text, plain: true) = content, !isNull else { return nil }
        return text
    }

    /// A decimal number without leading zeros.
    var integer: Int? {
        guard let text = plainText else { return nil }
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy(NameRules.isDigit), digits == "0" || !digits.hasPrefix("0") else {
            return nil
        }
        return Int(text)
    }
}

/// Times as the configuration writes them.
enum DurationText {
    /// Reads `1500`, `500ms`, `2s` or `1min`; nil for anything else.
    static func milliseconds(_ text: String) -> Int? {
        let digits = text.utf8.prefix(while: NameRules.isDigit)
        guard !digits.isEmpty, digits.count <= 9, let number = Int(String(digits) ?? "") else { return nil }
        return switch String(text.utf8.dropFirst(digits.count)) {
        case "", "ms": number
        case "s": number * 1000
        case "min": number * 60_000
        default: nil
        }
    }

    /// The shortest of the forms that it reads.
    static func render(_ milliseconds: Int) -> String {
        if milliseconds != 0, milliseconds % 60_000 == 0 { return "\(milliseconds / 60_000)min" }
        if milliseconds != 0, milliseconds % 1000 == 0 { return "\(milliseconds / 1000)s" }
        return "\(milliseconds)ms"
    }
}

/// Writes texts as YAML scalars.
enum YAMLText {
    /// The text as it is when every YAML reader takes it for the same text, otherwise in double quotes.
    static func quoteIfNeeded(_ text: String) -> String {
        let safe = NameRules.matches(
            text, first: { NameRules.isAlphanumeric($0) || "_./".utf8.contains($0) },
            rest: { NameRules.isAlphanumeric($0) || "_./:%+-@".utf8.contains($0) }, upTo: 200)
        return safe && !text.hasSuffix(":") && !["null", "Null", "NULL"].contains(text) ? text : quote(text)
    }

    static func quote(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            default:
                if scalar.isUnsafeToShow {
                    let digits = String(scalar.value, radix: 16)
                    result += "\\U" + String(repeating: "0", count: 8 - digits.utf8.count) + digits
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }
}
