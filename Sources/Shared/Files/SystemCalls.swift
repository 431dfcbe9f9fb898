import SystemPackage

#if canImport(Glibc)
    import Glibc
    private typealias DirectoryStream = OpaquePointer
#elseif canImport(Musl)
    import Musl
    private typealias DirectoryStream = OpaquePointer
#elseif canImport(Darwin)
    import Darwin
    private typealias DirectoryStream = UnsafeMutablePointer<DIR>
#endif

/// The calls on files that swift-system does not have; each throws what the system said.
enum SystemCalls {
    static func rename(_ old: String, to new: String) throws(Errno) {
        #if canImport(Glibc)
            try check(Glibc.rename(old, new))
        #elseif canImport(Musl)
            try check(Musl.rename(old, new))
        #else
            try check(Darwin.rename(old, new))
        #endif
    }

    static func unlink(_ path: String) throws(Errno) { try check(unlinkat(AT_FDCWD, path, 0)) }

    static func mayAccess(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func isExecutable(_ path: String) -> Bool {
        var information = stat()
        return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }

    /// Whether it is a directory itself, and not a link to one.
    static func isDirectory(_ path: String) -> Bool {
        var information = stat()
        return lstat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
    }

    /// Whether an open file still has a name.
    static func hasName(_ file: FileDescriptor) -> Bool {
        var information = stat()
        return fstat(file.rawValue, &information) == 0 && information.st_nlink > 0
    }

    /// When a path was changed last, in seconds since 1970; nil when there is nothing.
    static func modified(_ path: String) -> Double? {
        var information = stat()
        guard stat(path, &information) == 0 else { return nil }
        #if canImport(Darwin)
            let time = information.st_mtimespec
        #else
            let time = information.st_mtim
        #endif
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Number of the user as whom this program acts.
    static var user: UInt32 { UInt32(geteuid()) }

    /// Number of the user who called sudo for this program; nil when nobody did.
    static var caller: UInt32? { getenv("SUDO_UID").flatMap { UInt32(String(cString: $0)) } }

    /// Where a path really leads, without links; nil when that cannot be told.
    static func resolved(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    /// Numbers of owner and group, and permission bits, of what a path leads to; nil when there is nothing.
    static func ownership(_ path: String) -> (owner: UInt32, group: UInt32, mode: UInt32)? {
        var information = stat()
        guard stat(path, &information) == 0 else { return nil }
        return (UInt32(information.st_uid), UInt32(information.st_gid), UInt32(information.st_mode) & 0o7777)
    }

    /// The same of an open file; nil for anything else that can be open.
    static func ownership(ofFile descriptor: Int32) -> (owner: UInt32, group: UInt32, mode: UInt32)? {
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else { return nil }
        return (UInt32(information.st_uid), UInt32(information.st_gid), UInt32(information.st_mode) & 0o7777)
    }

    /// Makes the directory and those above it that are missing.
    static func makeDirectories(_ path: FilePath, _ mode: CInterop.Mode) throws(Errno) {
        do throws(Errno) {
            try check(mkdir(path.string, mode))
        } catch .fileExists {
            return
        } catch .noSuchFileOrDirectory {
            let above = path.removingLastComponent()
            guard !above.isEmpty, above != path else { throw .noSuchFileOrDirectory }
            try makeDirectories(above, mode)
            // Somebody else may have been faster.
            if mkdir(path.string, mode) != 0, errno != EEXIST { throw Errno(rawValue: errno) }
        }
    }

    /// Names in a directory in no order; none when it cannot be read.
    static func names(in path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        return names(of: stream)
    }

    /// Removes a file, a link, or a directory with what is in it, looked up in an open directory.
    ///
    /// - Parameter device: the file system that it has to be on; nil for any. What is mounted inside a tree is no part of it.
    static func removeTree(_ name: String, in directory: Int32 = AT_FDCWD, on device: dev_t? = nil) throws(Errno) {
        guard unlinkat(directory, name, 0) != 0 else { return }
        let reason = Errno(rawValue: errno)
        if reason == .noSuchFileOrDirectory { return }
        let descriptor = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            // No directory after all: then what kept it from being unlinked is the reason.
            throw errno == ENOTDIR || errno == ELOOP ? reason : Errno(rawValue: errno)
        }
        guard let stream = fdopendir(descriptor) else {
            let problem = Errno(rawValue: errno)
            close(descriptor)
            throw problem
        }
        defer { closedir(stream) }
        var information = stat()
        try check(fstat(descriptor, &information))
        if let device, information.st_dev != device { throw .resourceBusy }
        for inner in names(of: stream) { try removeTree(inner, in: descriptor, on: information.st_dev) }
        guard unlinkat(directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT else { throw Errno(rawValue: errno) }
    }

    private static func names(of stream: DirectoryStream) -> [String] {
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    fileprivate static func check(_ result: Int32) throws(Errno) {
        if result != 0 { throw Errno(rawValue: errno) }
    }
}

extension FileDescriptor {
    /// `fsync`, so that a rename never publishes a file whose bytes a power cut can still lose.
    package func synchronize() throws(Errno) { try SystemCalls.check(fsync(rawValue)) }

    func setMode(_ mode: CInterop.Mode) throws(Errno) { try SystemCalls.check(fchmod(rawValue, mode)) }

    /// All that is left to be read; nil when that is more than `limit` bytes.
    package func readToEnd(upTo limit: Int) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= limit {
            let count = try buffer.withUnsafeMutableBytes { try read(into: $0) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
        return nil
    }
}
