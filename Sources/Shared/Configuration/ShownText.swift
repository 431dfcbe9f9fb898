extension StringProtocol {
    /// The text in double quotes, safe to print: what could move the cursor, hide or reorder text is escaped, and a
    /// long text is cut after 60 characters.
    public var shown: String {
        var result = "\""
        var count = 0
        for scalar in unicodeScalars {
            guard count < 60 else { return result + "…\"" }
            count += 1
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            default:
                if scalar.isUnsafeToShow {
                    result += "\\u{\(String(scalar.value, radix: 16))}"
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }
}

extension Unicode.Scalar {
    /// Control, format (direction marks, zero-width characters), separator and unassigned characters.
    var isUnsafeToShow: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: true
        default: false
        }
    }
}
