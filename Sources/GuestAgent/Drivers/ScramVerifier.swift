import Crypto
import FoundationEssentials
import Shared

/// PostgreSQL's stored form of a password (RFC 5803: `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`).
///
/// Made here, so that the password itself never reaches the server's log, and compared here, so that a second `up`
/// knows without logging in that nothing has to change.
public enum ScramVerifier {
    /// The verifier for a password with a fresh salt of 16 bytes and PostgreSQL's 4096 iterations.
    public static func make(_ password: Secret) -> Secret {
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return Secret(verifier(password, salt: salt, iterations: 4096))
    }

    /// Whether a verifier as found in `pg_authid.rolpassword` was made from this password.
    public static func matches(_ password: Secret, _ stored: String) -> Bool {
        let parts = stored.split(separator: "$")
        guard parts.count == 3, parts[0] == "SCRAM-SHA-256" else { return false }
        let head = parts[1].split(separator: ":")
        guard head.count == 2, let iterations = Int(head[0]), (1...1_000_000).contains(iterations),
            let salt = Data(base64Encoded: String(head[1]))
        else { return false }
        return verifier(password, salt: [UInt8](salt), iterations: iterations) == stored
    }

    static func verifier(_ password: Secret, salt: [UInt8], iterations: Int) -> String {
        let salted = hi(Array(password.revealed.utf8), salt: salt, iterations: iterations)
        let key = SymmetricKey(data: salted)
        let clientKey = hmac("Client Key", key)
        let storedKey = Data(SHA256.hash(data: clientKey))
        let serverKey = hmac("Server Key", key)
        return "SCRAM-SHA-256$\(iterations):\(Data(salt).base64EncodedString())"
            + "$\(storedKey.base64EncodedString()):\(serverKey.base64EncodedString())"
    }

    private static func hmac(_ text: String, _ key: SymmetricKey) -> Data {
        Data(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key))
    }

    /// RFC 5802's `Hi`: PBKDF2 with HMAC-SHA-256 and one block of output.
    private static func hi(_ password: [UInt8], salt: [UInt8], iterations: Int) -> Data {
        // Each iteration goes on from a copy that has taken the key already, which is half the work.
        let keyed = HMAC<SHA256>(key: SymmetricKey(data: password))
        var first = keyed
        first.update(data: salt + [0, 0, 0, 1])
        var block = first.finalize()
        var result = [UInt8](block)
        for _ in 1..<max(iterations, 1) {
            var next = keyed
            block.withUnsafeBytes { next.update(data: $0) }
            block = next.finalize()
            block.withUnsafeBytes { bytes in
                for index in result.indices { result[index] ^= bytes[index] }
            }
        }
        return Data(result)
    }
}
