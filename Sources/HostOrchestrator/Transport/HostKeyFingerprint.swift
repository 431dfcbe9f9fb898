import Crypto
import Foundation

/// Fingerprints of host keys as `ssh-keygen -l` prints them: `SHA256:` and base64 without padding.
enum HostKeyFingerprint {
    /// - Parameter base64: the public key's blob as known_hosts files have it.
    static func of(base64: String) -> String? {
        guard let blob = Data(base64Encoded: base64) else { return nil }
        let digest = Data(SHA256.hash(data: blob)).base64EncodedString()
        return "SHA256:" + digest.prefix { $0 != "=" }
    }

    /// The fingerprints in the text of a known_hosts file that belong to one machine alone.
    static func all(inKnownHosts text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).compactMap { line in
            let fields = line.split(whereSeparator: \.isWhitespace)
            guard fields.count >= 3, !fields[0].hasPrefix("#"), !fields[0].hasPrefix("@") else { return nil }
            return of(base64: String(fields[2]))
        }
    }
}
