/// Addresses and ranges of both families, as HBA rules and published ports take them.
enum NetworkRules {
    /// An address of either family.
    static func isAddress(_ text: String) -> Bool { IPv4Address(text) != nil || ipv6(text) != nil }

    /// What is wrong with a client range, with the text that would be right; nil when nothing is.
    static func complaint(aboutRange text: String) -> String? {
        let general = "it must be a range such as 192.168.56.0/24 or fd00:1::/64"
        guard let slash = text.lastIndex(of: "/") else {
            if IPv4Address(text) != nil { return "it lacks a prefix length; write \(text)/32 for this one address" }
            if ipv6(text) != nil { return "it lacks a prefix length; write \(text)/128 for this one address" }
            return general
        }
        let address = text[..<slash]
        guard let prefix = smallNumber(text[text.index(after: slash)...].utf8, upTo: 128) else { return general }
        if let four = IPv4Address(address) {
            guard prefix <= 32 else { return "the prefix length of an IPv4 range is at most 32" }
            let network = IPv4Network(containing: four, prefixLength: prefix)
            return network.base == four ? nil : "it has bits beyond the prefix; write \(network)"
        }
        guard let six = ipv6(String(address)) else { return general }
        return hasBits(six, beyond: prefix) ? "it has bits beyond the prefix length \(prefix); set them to zero" : nil
    }

    /// The eight groups of an IPv6 address (RFC 4291, 2.2, without embedded IPv4 and zones).
    static func ipv6(_ text: String) -> [UInt16]? {
        guard text.utf8.count <= 39, text.contains(":") else { return nil }
        let halves = text.split(separator: "::", maxSplits: 2, omittingEmptySubsequences: false)
        guard halves.count <= 2 else { return nil }
        var parts: [[UInt16]] = []
        for half in halves {
            guard let groups = groups(half, mayBeEmpty: halves.count == 2) else { return nil }
            parts.append(groups)
        }
        if parts.count == 1 { return parts[0].count == 8 ? parts[0] : nil }
        let missing = 8 - parts[0].count - parts[1].count
        guard missing >= 1 else { return nil }
        return parts[0] + Array(repeating: 0, count: missing) + parts[1]
    }

    private static func groups(_ text: Substring, mayBeEmpty: Bool) -> [UInt16]? {
        if text.isEmpty { return mayBeEmpty ? [] : nil }
        var result: [UInt16] = []
        for group in text.split(separator: ":", omittingEmptySubsequences: false) {
            guard (1...4).contains(group.utf8.count), group.utf8.allSatisfy({ NameRules.isAlphanumeric($0) }),
                let value = UInt16(group, radix: 16)
            else { return nil }
            result.append(value)
        }
        return result
    }

    private static func hasBits(_ groups: [UInt16], beyond prefix: Int) -> Bool {
        groups.enumerated().contains { index, group in
            let kept = min(max(prefix - 16 * index, 0), 16)
            return kept < 16 && group << UInt16(kept) != 0
        }
    }
}
