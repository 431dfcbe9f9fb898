/// Docker's grammar of image references (the `reference` package of distribution).
extension NameRules {
    /// `[REGISTRY[:PORT]/]PATH`, without tag and digest.
    static func isImageName(_ text: String) -> Bool {
        guard (1...255).contains(text.utf8.count) else { return false }
        var parts = text.split(separator: "/", omittingEmptySubsequences: false)
        if namesRegistry(text) {
            guard isRegistry(parts[0]) else { return false }
            parts.removeFirst()
        }
        return parts.allSatisfy(isPathComponent)
    }

    static func isImageTag(_ text: String) -> Bool {
        matches(
            text, first: { isAlphanumeric($0) || $0 == UInt8(ascii: "_") },
            rest: { isAlphanumeric($0) || "_.-".utf8.contains($0) }, upTo: 128)
    }

    /// `NAME[:TAG][@sha256:DIGEST]`.
    static func isImageReference(_ text: String) -> Bool {
        var rest = text[...]
        if let at = rest.firstIndex(of: "@") {
            let digest = rest[rest.index(after: at)...]
            guard digest.hasPrefix("sha256:"), digest.utf8.count == 71,
                digest.utf8.dropFirst(7).allSatisfy({ isDigit($0) || (97...102).contains($0) })
            else { return false }
            rest = rest[..<at]
        }
        // A colon before the last slash belongs to the registry's port.
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
            guard isImageTag(String(rest[rest.index(after: colon)...])) else { return false }
            rest = rest[..<colon]
        }
        return isImageName(String(rest))
    }

    /// `REGISTRY[:PORT][/PATH]`, which Docker does not take for a name on Docker Hub.
    static func isRegistryPrefix(_ text: String) -> Bool {
        text.utf8.count <= 128 && !text.hasPrefix("/") && isImageName(text + "/image") && namesRegistry(text + "/image")
    }

    /// Whether an image's name begins with a registry: with a dot or a port in its first part, or `localhost`.
    static func namesRegistry(_ reference: String) -> Bool {
        let parts = reference.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count > 1 && (parts[0].contains { $0 == "." || $0 == ":" } || parts[0] == "localhost")
    }

    /// `HOST[:PORT]`.
    static func isRegistry(_ text: Substring) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let host = parts.first, parts.count <= 2 else { return false }
        if parts.count == 2 {
            guard let port = Int(parts[1]), (1...65535).contains(port), parts[1].utf8.allSatisfy(isDigit) else {
                return false
            }
        }
        return (isHostName(String(host)) && !host.contains("_")) || IPv4Address(host) != nil
    }

    /// Lower-case words joined by `.`, `_`, `__` or dashes.
    private static func isPathComponent(_ text: Substring) -> Bool {
        let bytes = Array(text.utf8)
        func isWord(_ byte: UInt8) -> Bool { isLowercase(byte) || isDigit(byte) }
        guard let first = bytes.first, let last = bytes.last, isWord(first), isWord(last) else { return false }
        return bytes.split(whereSeparator: isWord).allSatisfy { separator in
            separator.elementsEqual(".".utf8) || separator.elementsEqual("_".utf8) || separator.elementsEqual("__".utf8)
                || separator.allSatisfy { $0 == UInt8(ascii: "-") }
        }
    }
}
