import SystemPackage

/// Small files on this machine: read whole, written whole or not at all.
public struct MachineFiles: Sendable {
    /// Bytes that a file may have to be read; what pgaf keeps has a thousandth of that.
    public static let limit = 16 << 20

    private let root: String
    /// Number of the user who works on the machine; whose files are trusted goes by the user of this process.
    package let user: UInt32

    /// - Parameters:
    ///   - root: directory below which every path lies; empty means the paths as they are. Tests give one, so that they
    ///     see a machine of their own.
    ///   - user: number of the user who works on the machine; nil means that of this process. Tests give root's.
    public init(root: String = "", user: UInt32? = nil) {
        self.root = root
        self.user = user ?? SystemCalls.user
    }

    /// Where a path really lies.
    public func place(_ path: String) -> String { root + path }

    /// The file's text; nil when there is no such file.
    ///
    /// - Throws: as `bytes` does.
    public func read(_ path: String, limit: Int = MachineFiles.limit) throws -> String? {
        try bytes(of: path, limit: limit).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The file's bytes; nil when there is no such file.
    ///
    /// - Throws: `file.failed` for everything else that keeps it from being read, and for more than `limit` bytes.
    public func bytes(of path: String, limit: Int = MachineFiles.limit) throws -> [UInt8]? {
        try PgafError.onFile("read", path) {
            let file: FileDescriptor
            do {
                file = try FileDescriptor.open(FilePath(place(path)), .readOnly, options: .closeOnExec)
            } catch Errno.noSuchFileOrDirectory {
                return nil
            }
            guard let content = try file.closeAfter({ try file.readToEnd(upTo: limit) }) else {
                throw PgafError(
                    .fileFailed, "The file \(path) is larger than \(limit) bytes.",
                    remedy: "Look at what it is; it is not what pgaf expects there.")
            }
            return content
        }
    }

    /// Replaces the file in one step: a reader sees the old text or the new one, also after a power cut.
    ///
    /// - Parameter mode: permission bits, set before the first byte is written, so that a secret is never readable.
    /// - Throws: `file.failed`, `disk.full`; the old file is then untouched and nothing is left beside it.
    public func write(_ text: String, to path: String, mode: UInt16 = 0o600) throws {
        try write(text.utf8, to: path, mode: mode)
    }

    /// The same for bytes.
    public func write(_ bytes: some Collection<UInt8>, to path: String, mode: UInt16 = 0o600) throws {
        try PgafError.onFile("write", path) {
            let (directory, name) = Self.parts(place(path))
            TemporaryFile.removeLeftovers(in: directory, of: name)
            let temporary = try TemporaryFile(beside: place(path), mode: CInterop.Mode(mode))
            let file = temporary.descriptor
            try file.closeAfter {
                do {
                    // The umask has had its say in open(); the mode is what was asked for, not less.
                    try file.setMode(CInterop.Mode(mode))
                    _ = try file.writeAll(bytes)
                    try file.synchronize()
                    try SystemCalls.rename(temporary.path, to: place(path))
                } catch {
                    try? SystemCalls.unlink(temporary.path)
                    throw error
                }
            }
        }
    }

    /// Removes what killed processes had begun to write in a directory and in those below it; what a living one writes
    /// stays.
    public func removeUnfinished(below path: String) {
        TemporaryFile.removeLeftovers(in: place(path))
        for name in list(path) where SystemCalls.isDirectory(place("\(path)/\(name)")) {
            removeUnfinished(below: "\(path)/\(name)")
        }
    }

    static func parts(_ path: String) -> (directory: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        return (String(path[...slash]), String(path[path.index(after: slash)...]))
    }

    /// Makes the directory and those above it that are missing, all with this mode; an existing one gets it.
    ///
    /// - Throws: `file.failed`, also when a file has that name; `disk.full`.
    public func makeDirectory(_ path: String, mode: UInt16 = 0o700) throws {
        try PgafError.onFile("make the directory", path) {
            try SystemCalls.makeDirectories(FilePath(place(path)), CInterop.Mode(mode))
            let directory = try FileDescriptor.open(
                FilePath(place(path)), .readOnly, options: [.directory, .closeOnExec])
            try directory.closeAfter { try directory.setMode(CInterop.Mode(mode)) }
        }
    }

    public func exists(_ path: String) -> Bool { SystemCalls.mayAccess(place(path)) }

    /// Whether it is a file that this user may run.
    public func isExecutable(_ path: String) -> Bool { SystemCalls.isExecutable(place(path)) }

    /// Refuses a file whose content somebody else could have put there: what root does by it would be theirs to decide.
    ///
    /// What a link leads to counts, and the directory in which that lies: who may write there can put another file in its
    /// place, also between this look and the reading.
    ///
    /// - Parameters:
    ///   - alone: whether it has to be root's or this user's and writable by nobody else; otherwise it may also belong to who
    ///     called sudo, and be writable by its owner's own group: Debian gives each user one with the same number.
    /// - Throws: `file.unsafe`; nothing there is no error.
    public func requireTrust(_ path: String, alone: Bool) throws {
        let real = SystemCalls.resolved(place(path)) ?? place(path)
        guard let file = SystemCalls.ownership(real) else { return }
        if let (problem, mending) = Self.distrust(file.owner, file.group, file.mode, alone: alone) {
            throw Self.unsafe(path, problem, "\(mending) \(path)")
        }
        let directory = Self.parts(real).directory
        guard let (owner, group, mode) = SystemCalls.ownership(directory),
            // Where the sticky bit is set, nobody takes another one's file away.
            let (problem, mending) = Self.distrust(owner, group, mode & 0o1000 == 0 ? mode : 0, alone: alone)
        else { return }
        throw Self.unsafe(path, "\(problem) (its directory, \(directory))", "\(mending) \(directory)")
    }

    private static func unsafe(_ path: String, _ problem: String, _ command: String) -> PgafError {
        PgafError(
            .fileUnsafe, "\(path) cannot be trusted: \(problem).",
            remedy: "Look at what it says; then `\(command)`, and run the same command again.")
    }

    /// Why the file behind an open descriptor is not trusted, by the rules of `requireTrust` for one that need not be alone,
    /// and the command that mends it; nil also for a pipe, a socket or a terminal, which nobody writes into beforehand.
    public static func distrust(descriptor: Int32) -> (problem: String, mending: String)? {
        guard let (owner, group, mode) = SystemCalls.ownership(ofFile: descriptor) else { return nil }
        return distrust(owner, group, mode, alone: false)
    }

    /// Why something with these numbers of owner and group and these permission bits is not trusted, and what mends it, but
    /// for its path.
    ///
    /// - Parameters:
    ///   - user: number of the user as whom this program acts.
    ///   - caller: that of the user who became root by sudo.
    static func distrust(
        _ owner: UInt32, _ group: UInt32, _ mode: UInt32, user: UInt32 = SystemCalls.user,
        caller: UInt32? = SystemCalls.caller, alone: Bool
    ) -> (problem: String, mending: String)? {
        if mode & 0o002 != 0 {
            ("everybody may write into it", "chmod go-w")
        } else if owner != 0, owner != user, alone || user != 0 || owner != caller {
            ("it belongs to the user with the number \(owner)", user == 0 ? "chown root" : "sudo chown $USER")
        } else if mode & 0o020 != 0, alone || group != owner {
            ("its group may write into it", "chmod go-w")
        } else {
            nil
        }
    }

    /// Removes a file or a directory with all that is in it; nothing there is no error.
    ///
    /// A symbolic link is removed and never followed, whoever puts it there and when: each name is looked up in the
    /// directory that was opened before it.
    public func remove(_ path: String) throws {
        try PgafError.onFile("remove", path) { try SystemCalls.removeTree(place(path)) }
    }

    /// When a file or the names in a directory were changed last, in seconds since 1970; nil when there is none.
    public func modified(_ path: String) -> Double? { SystemCalls.modified(place(path)) }

    /// Names in a directory, sorted; empty when there is no such directory.
    public func list(_ path: String) -> [String] { SystemCalls.names(in: place(path)).sorted() }
}
