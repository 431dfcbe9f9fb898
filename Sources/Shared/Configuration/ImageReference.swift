/// A base image as the configuration names it, as it is pulled through a mirror, and as it then lies on the machine.
public struct ImageReference: Sendable, Equatable {
    /// `NAME[:TAG][@sha256:DIGEST]`, as the configuration has it.
    public let text: String
    /// `HOST[:PORT][/PATH]` in front of names on Docker Hub; nil means Docker Hub itself.
    public let mirror: String?
    /// `sha256:DIGEST`, that of the text or else what its tag is remembered as; nil means whatever the tag is now.
    public let digest: String?

    /// - Parameter remembered: `sha256:DIGEST` of the tag at an earlier time; a digest in the text goes before it.
    public init(_ text: String, mirror: String? = nil, remembered: String? = nil) {
        self.text = text
        self.mirror = NameRules.namesRegistry(text) ? nil : mirror
        digest = text.firstIndex(of: "@").map { String(text[text.index(after: $0)...]) } ?? remembered
    }

    /// Whether the digest is one that the configuration does not name.
    public var isRemembered: Bool { digest != nil && !text.contains("@") }

    /// `MIRROR/library/ubuntu:focal[@sha256:DIGEST]`: the names of Docker's own images are short for `library/NAME`,
    /// and registries that stand for Docker Hub know them by the whole name.
    public var pulled: String {
        var name = text
        if isRemembered, let digest { name += "@\(digest)" }
        guard let mirror else { return name }
        return "\(mirror)/\(text.contains("/") ? "" : "library/")\(name)"
    }

    /// `HOST[:PORT]` of the registry from which it is pulled.
    public var registry: String { isOnDockerHub ? "registry-1.docker.io" : String(pulled.prefix { $0 != "/" }) }

    /// Under its own name, or one that Docker takes for it.
    private var isOnDockerHub: Bool {
        guard mirror == nil, NameRules.namesRegistry(text) else { return mirror == nil }
        return ["docker.io", "index.docker.io"].contains(text.prefix { $0 != "/" })
    }

    /// The name by which that registry knows it, without tag and digest: `library/ubuntu`.
    public var repository: String {
        var name = pulled.prefix { $0 != "@" }
        if NameRules.namesRegistry(String(name)) { name = name.drop { $0 != "/" }.dropFirst() }
        // A port's colon is gone with the host.
        name = name.prefix { $0 != ":" }
        return isOnDockerHub && !name.contains("/") ? "library/\(name)" : String(name)
    }

    /// What is asked for of that name: the digest, else the tag.
    public var version: String {
        if let digest { return digest }
        guard let colon = text.lastIndex(of: ":"), !text[colon...].contains("/") else { return "latest" }
        return String(text[text.index(after: colon)...])
    }

    /// The name under which builds find it: what was pulled through a mirror has the name of the image for which it
    /// stands, or one of pgaf's where that is a digest, which cannot be given as a name. What is remembered always has
    /// that one, wherever it was pulled from.
    public var local: String {
        guard let digest, isRemembered || mirror != nil else { return text }
        return "pgaf/base:sha256-\(digest.suffix(64))"
    }

    /// The digest by which the registry knows it from which it was pulled.
    ///
    /// - Parameter known: every name and digest by which Docker knows the image, `NAME@sha256:DIGEST`.
    /// - Returns: `sha256:DIGEST`; nil for an image that this registry did not give.
    public func registryDigest(among known: [String]) -> String? {
        known.map { ImageReference($0) }.first { $0.registry == registry && $0.repository == repository }?.digest
    }

    /// The release by which the tag goes (`focal`, `bookworm-slim`); nil for numbers, digests and none.
    public var codename: String? {
        guard !text.contains("@"), let colon = text.lastIndex(of: ":"), !text[colon...].contains("/") else {
            return nil
        }
        let name = text[text.index(after: colon)...].prefix { $0 != "-" }
        return name.utf8.allSatisfy(NameRules.isLowercase) && name != "latest" && name != "stable" ? String(name) : nil
    }
}
