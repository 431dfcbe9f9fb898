/// Addresses of mirrors and proxies, as apt, a shell and Docker take them without any quoting.
enum WebAddress {
    /// `SCHEME://HOST[:PORT][/PATH]`: no user, query, fragment or escape, and no `/` at the end.
    static func isBase(_ text: String, schemes: [String]) -> Bool {
        guard text.utf8.count <= 255, let scheme = schemes.first(where: { text.hasPrefix("\($0)://") }) else {
            return false
        }
        var parts = text.dropFirst(scheme.utf8.count + 3).split(separator: "/", omittingEmptySubsequences: false)
        return NameRules.isRegistry(parts.removeFirst()) && parts.allSatisfy(isSegment)
    }

    /// One step of a path; `..` would lead somewhere else than it seems.
    private static func isSegment(_ text: Substring) -> Bool {
        text != "." && text != ".."
            && NameRules.matches(
                String(text), first: { NameRules.isAlphanumeric($0) || "._~".utf8.contains($0) },
                rest: { NameRules.isAlphanumeric($0) || "._~+-".utf8.contains($0) }, upTo: 100)
    }
}
