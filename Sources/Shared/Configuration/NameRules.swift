/// What the targets of names and values allow: Docker, Debian, PostgreSQL, DNS. Pure predicates on text.
///
/// All rules are allow lists over ASCII, so quotes, `$(…)`, line ends, NUL and direction marks never pass.
enum NameRules {
    /// Docker's rule for containers, volumes and networks, at most 63 bytes so that it also fits a DNS label.
    static func isDockerName(_ text: String) -> Bool {
        matches(text, first: isAlphanumeric, rest: { isAlphanumeric($0) || "_.-".utf8.contains($0) }, upTo: 63)
    }

    /// A name that Docker's DNS answers; underscores are allowed, as in `monitor_node`.
    static func isHostName(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count), IPv4Address(text) == nil else { return false }
        return text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            guard let first = label.first, let last = label.last, label.count <= 63 else { return false }
            return isAlphanumeric(first) && last != UInt8(ascii: "-")
                && label.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        }
    }

    /// A container's name doubles as its host name.
    static func isContainerName(_ text: String) -> Bool { isDockerName(text) && isHostName(text) }

    /// Database and role names that need no quoting anywhere but for their case.
    static func isSQLName(_ text: String) -> Bool {
        matches(
            text, first: { isLetter($0) || $0 == UInt8(ascii: "_") },
            rest: { isAlphanumeric($0) || $0 == UInt8(ascii: "_") }, upTo: 63)
    }

    /// The name of an environment variable.
    static func isVariableName(_ text: String) -> Bool {
        matches(
            text, first: { isLetter($0) || $0 == UInt8(ascii: "_") },
            rest: { isAlphanumeric($0) || $0 == UInt8(ascii: "_") }, upTo: 255)
    }

    /// A login name on the machine.
    static func isLoginName(_ text: String) -> Bool {
        matches(
            text, first: { isLetter($0) || $0 == UInt8(ascii: "_") },
            rest: { isAlphanumeric($0) || "_.-".utf8.contains($0) }, upTo: 32)
    }

    /// A PostgreSQL setting, with a prefix for those of extensions.
    static func isSettingName(_ text: String) -> Bool {
        matches(
            text, first: { isLowercase($0) || $0 == UInt8(ascii: "_") },
            rest: { isLowercase($0) || isDigit($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") }, upTo: 127)
    }

    /// A Debian package (Debian policy, 5.6.1), but none with a dash at its end: `apt-get install NAME-` removes NAME.
    static func isPackageName(_ text: String) -> Bool {
        text.utf8.count >= 2 && text.utf8.last != UInt8(ascii: "-")
            && matches(
                text, first: { isLowercase($0) || isDigit($0) },
                rest: { isLowercase($0) || isDigit($0) || "+-.".utf8.contains($0) }, upTo: 100)
    }

    /// An OpenPGP key's fingerprint of version 4.
    static func isKeyFingerprint(_ text: String) -> Bool {
        text.utf8.count == 40 && text.utf8.allSatisfy { isDigit($0) || (97...102).contains($0 | 0x20) }
    }

    /// A Vagrant box: `NAME` or `OWNER/NAME`.
    static func isBoxName(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count <= 2
            && parts.allSatisfy { part in
                matches(
                    String(part), first: isAlphanumeric, rest: { isAlphanumeric($0) || "_.-".utf8.contains($0) },
                    upTo: 63)
            }
    }

    /// Text of one line: no control, direction or other invisible characters.
    static func isPlainLine(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 4096 && !text.unicodeScalars.contains(where: \.isUnsafeToShow)
    }

    static func isLetter(_ byte: UInt8) -> Bool { isLowercase(byte | 0x20) && byte >= 65 }
    static func isLowercase(_ byte: UInt8) -> Bool { (97...122).contains(byte) }
    static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
    static func isAlphanumeric(_ byte: UInt8) -> Bool { isLetter(byte) || isDigit(byte) }

    static func matches(
        _ text: String, first: (UInt8) -> Bool, rest: (UInt8) -> Bool, upTo limit: Int
    ) -> Bool {
        guard let head = text.utf8.first, text.utf8.count <= limit, first(head) else { return false }
        return text.utf8.dropFirst().allSatisfy(rest)
    }
}
