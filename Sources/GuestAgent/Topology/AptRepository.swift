import Shared

/// A third-party apt repository with its pinned key.
public struct AptRepository: Sendable, Equatable {
    /// File name of the key and of the list.
    public var name: String
    public var uri: String
    public var suite: String
    public var components: [String]
    public var keyURL: String
    /// Fingerprint of the primary key, hexadecimal in capitals without blanks.
    public var fingerprint: String
    /// The key of the configuration that says where it is.
    public var mirrorKey: String

    public var keyring: String { "/etc/apt/keyrings/\(name).asc" }
    public var sourcesFile: String { "/etc/apt/sources.list.d/\(name).list" }

    /// One-line format, with the key that alone may sign it.
    public var sourcesLine: String { sourcesLine(signedBy: keyring) }

    func sourcesLine(signedBy keyring: String) -> String {
        "deb [signed-by=\(keyring)] \(uri) \(suite) \(components.joined(separator: " "))"
    }

    static let ownFirstWords = "# Written by pgaf"

    /// The machine's list: whose it is, the key that it was written for, and the line.
    public var sourcesText: String { "\(Self.ownFirstWords) for the key \(fingerprint).\n\(sourcesLine)\n" }

    /// What its key signs: the list of all lists of the suite.
    var release: String { "\(uri)/dists/\(suite)/InRelease" }
}
