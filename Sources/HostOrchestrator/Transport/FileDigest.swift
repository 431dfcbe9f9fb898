import Crypto
import Shared
import SystemPackage

/// SHA-256 of a file as `sha256sum` prints it.
enum FileDigest {
    /// Opens a file for reading.
    static func open(_ path: String) throws -> FileDescriptor {
        try PgafError.onFile("read", path) { try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec) }
    }

    /// Reads the file to its end and goes back to its beginning; blocks, so it belongs on a thread of its own.
    ///
    /// - Parameter path: for messages.
    static func sha256(of file: FileDescriptor, at path: String) throws -> (hex: String, bytes: Int) {
        try PgafError.onFile("read", path) {
            var hash = SHA256()
            let total = try file.pass(.max) { piece in
                hash.update(bufferPointer: piece)
                return piece.count
            }
            try file.seek(offset: 0, from: .start)
            return (hash.finalize().hexadecimal, total)
        }
    }
}
