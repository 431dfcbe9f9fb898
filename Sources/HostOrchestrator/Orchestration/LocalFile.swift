import Shared

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Small files of pgaf's own on the host: read whole, written whole, never half there.
enum LocalFile {
    /// The content, or nil when there is no such file.
    ///
    /// - Throws: `file.failed` for everything else that keeps it from being read, or when it has more than `limit` bytes.
    static func read(_ path: String, limit: Int = 16 << 20) throws -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("read", path)
        }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = interruptible { Glue.read(descriptor, &buffer, buffer.count) }
            guard count >= 0 else { throw failure("read", path) }
            if count == 0 { return content }
            content.append(contentsOf: buffer[..<count])
            guard content.count <= limit else {
                throw PgafError(
                    .fileFailed, "The file \(path) is larger than \(limit) bytes.",
                    remedy: "Look at what it is; it is not what pgaf expects there.")
            }
        }
    }

    /// Replaces the file in one step: a reader sees the old content or the new, also after a power cut.
    ///
    /// - Parameter mode: permission bits, set before the first byte is written, so that a secret is never readable.
    static func write(_ content: some Collection<UInt8>, to path: String, mode: Int) throws {
        let temporary = "\(path).\(getpid()).tmp"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(mode))
        guard descriptor >= 0 else { throw failure("write", path) }
        do {
            defer { close(descriptor) }
            // The umask has had its say in open(); the mode is what was asked for, not less.
            guard fchmod(descriptor, mode_t(mode)) == 0 else { throw failure("write", path) }
            try append(Array(content), to: descriptor, path: path)
            guard fsync(descriptor) == 0 else { throw failure("write", path) }
        } catch {
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else {
            let problem = failure("write", path)
            unlink(temporary)
            throw problem
        }
    }

    /// Makes one directory with these permission bits; an existing one is given them.
    static func makeDirectory(_ path: String, mode: Int) throws {
        guard mkdir(path, mode_t(mode)) == 0 || errno == EEXIST else { throw failure("make", path) }
        guard chmod(path, mode_t(mode)) == 0 else { throw failure("protect", path) }
    }

    /// Writes all bytes to an open file.
    static func append(_ bytes: [UInt8], to descriptor: Int32, path: String) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { view in
                interruptible { Glue.write(descriptor, view.baseAddress, view.count) }
            }
            guard count >= 0 else { throw failure("write", path) }
            rest = rest.dropFirst(count)
        }
    }

    /// Names in a directory, sorted; empty when there is none.
    static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func isExecutable(_ path: String) -> Bool {
        var information = stat()
        return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }

    /// Removes a file or a directory with all that is in it; what is not there counts as removed.
    static func remove(_ path: String) {
        // unlink() never follows a symbolic link, so nothing outside the tree can be reached.
        if unlink(path) == 0 || errno == ENOENT { return }
        for name in names(in: path) { remove("\(path)/\(name)") }
        rmdir(path)
    }

    /// The last system error as one of ours; to be called before anything else can change `errno`.
    static func failure(_ verb: String, _ path: String) -> PgafError {
        let number = errno
        return PgafError(
            number == ENOSPC ? .diskFull : .fileFailed, "Could not \(verb) \(path).",
            remedy: number == ENOSPC
                ? "Make room on the disk that holds \(path), then run the same command again."
                : "Check who owns \(path) and its permissions, then run the same command again.",
            cause: String(cString: strerror(number)))
    }

    private static func interruptible(_ call: () -> Int) -> Int {
        while true {
            let result = call()
            if result >= 0 || errno != EINTR { return result }
        }
    }

    /// The system calls that share a name with functions above.
    private enum Glue {
        static func read(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
            #if canImport(Darwin)
                Darwin.read(descriptor, buffer, count)
            #elseif canImport(Musl)
                Musl.read(descriptor, buffer, count)
            #else
                Glibc.read(descriptor, buffer, count)
            #endif
        }

        static func write(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
            #if canImport(Darwin)
                Darwin.write(descriptor, buffer, count)
            #elseif canImport(Musl)
                Musl.write(descriptor, buffer, count)
            #else
                Glibc.write(descriptor, buffer, count)
            #endif
        }
    }
}
