import SystemPackage

/// Reads configuration files from disk, never more than the limit.
public enum ConfigurationFile {
    /// The bytes of a file of at most 1 MiB; a larger one is refused from its size, before anything is read.
    ///
    /// - Throws: `configuration.not-readable`.
    public static func read(_ path: String) throws -> [UInt8] {
        let limit = YAMLNode.Limits.size
        do {
            let file = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
            return try file.closeAfter {
                // Pipes have no size; they are read up to the limit all the same.
                if let size = try? file.seek(offset: 0, from: .end) {
                    guard size <= Int64(limit) else { throw tooLarge(path, "\(size) bytes") }
                    try file.seek(offset: 0, from: .start)
                }
                guard let bytes = try file.readToEnd(upTo: limit) else {
                    throw tooLarge(path, "more than \(limit) bytes")
                }
                return bytes
            }
        } catch let error as Errno {
            throw PgafError(
                .configurationNotReadable, "The configuration file \(path.shown) cannot be read.",
                remedy: error == .noSuchFileOrDirectory
                    ? "Give the path of an existing file, or leave it out to use the defaults."
                    : "Make it a regular file that you may read (`ls -l` shows its owner and mode).",
                cause: String(describing: error))
        }
    }

    private static func tooLarge(_ path: String, _ size: String) -> PgafError {
        PgafError(
            .configurationNotReadable,
            "The configuration file \(path.shown) has \(size); at most \(YAMLNode.Limits.size) (1 MiB) are read.",
            remedy: "Give the path of a pgaf.yaml; a complete one has about 8 KiB.")
    }
}
