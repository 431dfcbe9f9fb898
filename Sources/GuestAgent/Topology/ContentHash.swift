import Crypto
import FoundationEssentials
import Shared

/// SHA-256 over texts, to tell whether something was made from the same inputs.
public enum ContentHash {
    /// 64 hexadecimal digits; each part's length is hashed too, so that no two lists of parts look alike.
    public static func of(_ parts: [String]) -> String {
        var hash = SHA256()
        for part in parts {
            hash.update(data: Data("\(part.utf8.count):".utf8))
            hash.update(data: Data(part.utf8))
        }
        return hash.finalize().hexadecimal
    }

    /// A hash as it is shown: its first 12 digits, as Docker does with its own.
    static func short(_ hash: String) -> String { String(hash.prefix(12)) }
}
