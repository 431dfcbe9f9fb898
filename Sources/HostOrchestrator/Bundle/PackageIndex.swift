import Shared

/// apt's index of a flat repository, as `dpkg-scanpackages` would write it.
enum PackageIndex {
    struct Package: Sendable, Equatable {
        /// The fields that the package itself has (`dpkg-deb --field`).
        var control: String
        var file: String
        var size: Int
        /// SHA-256 in hexadecimal.
        var digest: String
    }

    static func text(_ packages: [Package]) -> String {
        packages.map {
            $0.control.trimmed + "\nFilename: ./\($0.file)\nSize: \($0.size)\nSHA256: \($0.digest)\n"
        }.joined(separator: "\n")
    }

    /// A package's file name without the epoch's `%3a`, which apt would decode in the index.
    static func fileName(_ name: String) -> String { name.replacingBytes(of: "%3a", with: "-") }
}
