/// Which texts can be passwords of a cluster.
enum PasswordRules {
    /// What is wrong with a password, in words that do not show it; nil when it can be used.
    ///
    /// Beyond what PostgreSQL's password file and SQL can carry, a password must be its own SASLprep (RFC 4013): clients
    /// log in with the prepared form, and the agent, which makes the verifiers, does not prepare. PostgreSQL's own rule
    /// is narrower: what SASLprep forbids (an emoji, two directions of writing) it takes as it is.
    static func problem(with value: String) -> String? {
        if value.isEmpty {
            "it is empty"
        } else if value.utf8.count > 1000 {
            "it has \(value.utf8.count) bytes, at most 1000 are allowed"
        } else if value.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) {
            "it contains a control character"
        } else if value.unicodeScalars.contains("\u{FFFD}") {
            // What decoding puts in place of bytes that it cannot read: another password than the one that was meant.
            "it is not UTF-8, or contains U+FFFD"
        } else if !value.unicodeScalars.allSatisfy(\.isItsOwnSASLprep) {
            "it contains a character outside ASCII that a login changes (a space, an invisible character, a combining"
                + " mark or a compatibility form)"
        } else {
            nil
        }
    }
}

extension Unicode.Scalar {
    /// Whether SASLprep leaves this scalar alone, whatever stands beside it; false for some that it would leave alone too.
    ///
    /// SASLprep takes out some invisible scalars, makes other spaces out of spaces and normalizes to NFKC. Compared for
    /// every scalar with PostgreSQL 17: none that passes here was changed there.
    fileprivate var isItsOwnSASLprep: Bool {
        if isASCII { return true }
        switch value {
        // Letters that pass for small or capital ones of others below, and are their own: ß, İ, ς.
        case 0xDF, 0x130, 0x3C2: return true
        // Parts of Korean syllables, which are put together; the Mongolian soft hyphen, which is taken out.
        case 0x1100...0x11FF, 0x1806: return false
        default: break
        }
        switch properties.generalCategory {
        // Marks may be put together with the letter before them.
        case .spaceSeparator, .nonspacingMark, .spacingMark, .enclosingMark: return false
        default: break
        }
        guard properties.changesWhenNFKCCaseFolded else { return true }
        // Changed perhaps only because it is a capital letter: then its small one is not changed and leads back to it.
        let small = properties.lowercaseMapping.unicodeScalars
        guard small.count == 1, let letter = small.first, letter != self else { return false }
        return !letter.properties.changesWhenNFKCCaseFolded
            && letter.properties.uppercaseMapping.unicodeScalars.elementsEqual([self])
    }
}
