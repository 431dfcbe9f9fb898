import SystemPackage

extension PgafError {
    /// Works with a file; what the system says against it becomes `disk.full` or `file.failed`.
    ///
    /// - Parameters:
    ///   - verb: completes "Could not … PATH".
    ///   - path: as people know it.
    public static func onFile<Value>(_ verb: String, _ path: String, _ work: () throws -> Value) throws -> Value {
        do { return try work() } catch let error as Errno { throw file(error, verb, path) }
    }

    /// What the system said about a file.
    public static func file(_ error: Errno, _ verb: String, _ path: String) -> PgafError {
        if error == .noSpace || error == .diskQuotaExceeded {
            return PgafError(
                .diskFull, "The disk is full: could not \(verb) \(path).",
                remedy: "Make room on the file system of \(path), then run the same command again.",
                cause: error.description)
        }
        let isMissing = error == .noSuchFileOrDirectory || error == .notDirectory
        return PgafError(
            .fileFailed, "Could not \(verb) \(path).",
            remedy: isMissing
                ? "Check that \(path) exists, or the directory in which it should be, then run the same command again."
                : "Check who owns \(path) and its permissions, then run the same command again.",
            cause: error.description)
    }
}
