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

    /// The keys in the text of a known_hosts file: host without port, and fingerprint.
    static func all(inKnownHosts text: String) -> [(host: String, fingerprint: String)] {
        text.split(whereSeparator: \.isNewline).compactMap { line in
            let fields = line.split(whereSeparator: \.isWhitespace)
            guard fields.count >= 3, !fields[0].hasPrefix("#"), !fields[0].hasPrefix("@"),
                let fingerprint = of(base64: String(fields[2]))
            else { return nil }
            let name = fields[0]
            let host = name.hasPrefix("[") ? name.dropFirst().prefix { $0 != "]" } : name
            return (String(host), fingerprint)
        }
    }
}
