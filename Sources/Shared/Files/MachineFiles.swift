import FoundationEssentials
import SystemPackage

/// Small files on this machine, written whole or not at all.
public struct MachineFiles: Sendable {
    private let root: String

    /// - Parameter root: directory below which every path lies; empty means the paths as they are. Tests give one, so
    ///   that they see a machine of their own.
    public init(root: String = "") { self.root = root }

    /// Where a path really lies.
    public func place(_ path: String) -> String { root + path }

    /// The file's text; nil when there is no such file.
    public func read(_ path: String) throws -> String? {
        guard exists(path) else { return nil }
        do {
            let descriptor = try FileDescriptor.open(FilePath(place(path)), .readOnly)
            return try descriptor.closeAfter {
                var bytes: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 64 << 10)
                while true {
                    let count = try buffer.withUnsafeMutableBytes { try descriptor.read(into: $0) }
                    if count == 0 { break }
                    bytes += buffer[..<count]
                }
                return String(decoding: bytes, as: UTF8.self)
            }
        } catch {
            throw failure(error, "read", path)
        }
    }

    /// Writes beside the file, syncs and renames: readers see the old text or the new one, never a part.
    ///
    /// - Parameter mode: permission bits; a file with secrets has 0o600 from its first byte on.
    public func write(_ text: String, to path: String, mode: UInt16 = 0o600) throws {
        let temporary = "\(place(path)).pgaf-new"
        do {
            // One that a killed run left behind may have another mode, and would keep it while it is written.
            try? FileManager.default.removeItem(atPath: temporary)
            let descriptor = try FileDescriptor.open(
                FilePath(temporary), .writeOnly, options: [.create, .exclusiveCreate],
                permissions: FilePermissions(rawValue: CModeT(mode)))
            try descriptor.closeAfter {
                _ = try descriptor.writeAll(text.utf8)
                try synchronize(descriptor)
            }
            try setMode(temporary, mode)
            try rename(temporary, to: place(path))
        } catch {
            try? FileManager.default.removeItem(atPath: temporary)
            throw failure(error, "write", path)
        }
    }

    /// Makes the directory and those above it; an existing one gets the mode.
    public func makeDirectory(_ path: String, mode: UInt16 = 0o700) throws {
        do {
            try FileManager.default.createDirectory(atPath: place(path), withIntermediateDirectories: true)
            try setMode(place(path), mode)
        } catch {
            throw failure(error, "make the directory", path)
        }
    }

    public func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: place(path)) }

    /// Removes a file or a whole directory; nothing there is no error.
    public func remove(_ path: String) throws {
        guard exists(path) else { return }
        do {
            try FileManager.default.removeItem(atPath: place(path))
        } catch {
            throw failure(error, "remove", path)
        }
    }

    /// Names in a directory, sorted; empty when there is no such directory.
    public func list(_ path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: place(path))) ?? []).sorted()
    }

    private func setMode(_ path: String, _ mode: UInt16) throws {
        try FileManager.default.setAttributes([.posixPermissions: Int(mode)], ofItemAtPath: path)
    }

    private func failure(_ error: any Error, _ verb: String, _ path: String) -> PgafError {
        if let errno = error as? Errno, errno == .noSpace {
            return PgafError(
                .diskFull, "The disk is full: could not \(verb) \(path).",
                remedy: "Make room on the file system of \(path), then run the same command again.")
        }
        return PgafError(
            .fileFailed, "Could not \(verb) \(path).",
            remedy: "Check that \(path) can be written by this user, then run the same command again.",
            cause: String(describing: error))
    }
}
