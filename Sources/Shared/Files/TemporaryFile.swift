import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Where a file is written before it takes its place: beside it, under a name that no other writer has, since two that
/// shared one could publish each other's half.
///
/// Its writer holds a lock on it (`flock`) until it has taken its place, and so one without a lock was left by a process
/// that was killed. Process ids could not tell: another process may have the same one by then.
struct TemporaryFile {
    let path: String
    let descriptor: FileDescriptor

    private static let ending = ".pgaf-new"
    /// Names tried one after another; only the removal of leftovers in just that moment takes one away.
    private static let tries = 100

    init(beside target: String, mode: CInterop.Mode) throws(Errno) {
        for _ in 1...Self.tries {
            let path = "\(target).\(UInt64.random(in: 0...UInt64.max))\(Self.ending)"
            let descriptor: FileDescriptor
            do {
                descriptor = try FileDescriptor.open(
                    FilePath(path), .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                    permissions: FilePermissions(rawValue: mode))
            } catch {
                throw error as? Errno ?? .ioError
            }
            // Who removes leftovers may have been between the two calls: then the name is gone.
            if flock(descriptor.rawValue, LOCK_EX) == 0, SystemCalls.hasName(descriptor) {
                (self.path, self.descriptor) = (path, descriptor)
                return
            }
            try? descriptor.close()
        }
        throw .resourceTemporarilyUnavailable
    }

    /// Removes what killed processes left of files in a directory: it may hold secrets, and nobody else would.
    ///
    /// - Parameter name: only what was to become this file; nil for every file.
    static func removeLeftovers(in directory: String, of name: String? = nil) {
        for other in SystemCalls.names(in: directory) {
            guard other.hasSuffix(ending), other.split(separator: ".", omittingEmptySubsequences: false).count > 2,
                name.map({ other.hasPrefix("\($0).") && isOwn(other.dropFirst($0.count + 1)) }) ?? true
            else { continue }
            let path = "\(directory)/\(other)"
            guard let file = try? FileDescriptor.open(FilePath(path), .readOnly, options: [.closeOnExec, .noFollow])
            else { continue }
            defer { try? file.close() }
            if flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 { try? SystemCalls.unlink(path) }
        }
    }

    /// Whether what follows a file's name is the rest of a temporary name, and not of a longer file name's.
    private static func isOwn(_ rest: Substring) -> Bool { !rest.dropLast(ending.count).contains(".") }
}
