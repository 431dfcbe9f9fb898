import Crypto
import Shared
import SystemPackage

/// SHA-256 of a file as `sha256sum` prints it.
enum FileDigest {
    /// Reads the file in pieces of 1 MiB; blocks, so it belongs on a thread of its own.
    static func sha256(ofFileAt path: String) throws -> (hex: String, bytes: Int) {
        do {
            let file = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
            return try file.closeAfter {
                var hash = SHA256()
                var total = 0
                let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
                defer { buffer.deallocate() }
                while case let count = try file.read(into: buffer), count > 0 {
                    hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                    total += count
                }
                return (hex(hash.finalize()), total)
            }
        } catch let error as Errno {
            throw PgafError(
                .fileFailed, "The file \(path) could not be read.", remedy: "Check that it exists and is readable.",
                cause: error.description)
        }
    }

    private static func hex(_ digest: SHA256.Digest) -> String {
        let digits = Array("0123456789abcdef")
        return String(digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
