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
    /// Where the packages of a suite that is there no longer are to be had, as a sentence; nil where nowhere.
    public var retirement: String?

    public var keyring: String { "/etc/apt/keyrings/\(name).asc" }
    public var sourcesFile: String { "/etc/apt/sources.list.d/\(name).list" }

    /// One-line format, with the key that alone may sign it.
    public var sourcesLine: String { sourcesLine(signedBy: keyring) }

    func sourcesLine(signedBy keyring: String) -> String {
        "deb [signed-by=\(keyring)] \(uri) \(suite) \(components.joined(separator: " "))"
    }

    static let ownFirstWords = "# Written by pgaf"
    static let trialFirstWords = "\(ownFirstWords), on trial,"

    /// The machine's list: whose it is, the key that it was written for, and the line.
    public var sourcesText: String { text(Self.ownFirstWords) }

    /// The same while it is not known whether all packages can be had from it: a killed run leaves it so.
    var trialText: String { text(Self.trialFirstWords) }

    private func text(_ firstWords: String) -> String { "\(firstWords) for the key \(fingerprint).\n\(sourcesLine)\n" }

    /// What its key signs: the list of all lists of the suite.
    var release: String { "\(uri)/dists/\(suite)/InRelease" }
}
