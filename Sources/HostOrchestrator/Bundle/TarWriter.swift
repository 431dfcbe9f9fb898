import Foundation
import Shared
import SystemPackage

/// Writes a tar archive under another name and gives it its own only when it is whole.
///
/// An actor with its own thread because reading, hashing and writing block.
actor TarWriter {
    /// What a file of the archive has.
    enum Content: Sendable {
        case bytes([UInt8])
        /// A file here.
        case file(String)
    }

    struct Member: Sendable {
        /// At most 100 bytes.
        var name: String
        var content: Content

        init(_ name: String, _ content: Content) {
            self.name = name
            self.content = content
        }
    }

    private let thread = OwnThread(name: "tar")

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    deinit { thread.finish() }

    /// SHA-256 and size of a file.
    func digest(_ path: String) throws -> (hex: String, bytes: Int) {
        let file = try FileDigest.open(path)
        return try file.closeAfter { try FileDigest.sha256(of: file, at: path) }
    }

    /// - Throws: `file.failed`, `disk.full`; then nothing is left, and a file of that name is the old one.
    func write(_ members: [Member], to path: String) throws {
        let partial = "\(path).partial"
        do {
            try PgafError.onFile("write", path) {
                let archive = try FileDescriptor.open(
                    FilePath(partial), .writeOnly, options: [.create, .truncate, .closeOnExec],
                    permissions: [.ownerReadWrite, .groupRead, .otherRead])
                try archive.closeAfter {
                    for member in members { try add(member.content, named: member.name, to: archive) }
                    try archive.writeAll(TarHeader.end)
                    try archive.synchronize()
                }
                guard rename(partial, path) == 0 else { throw Errno(rawValue: errno) }
            }
        } catch {
            try? MachineFiles().remove(partial)
            throw error
        }
    }

    private func add(_ content: Content, named name: String, to archive: FileDescriptor) throws {
        switch content {
        case .bytes(let bytes):
            let header = TarHeader(name: name, size: bytes.count)
            try archive.writeAll(header.encoded() + bytes + [UInt8](repeating: 0, count: header.padding))
        case .file(let path):
            let file = try FileDigest.open(path)
            try file.closeAfter {
                let header = TarHeader(name: name, size: Int(try file.seek(offset: 0, from: .end)))
                try file.seek(offset: 0, from: .start)
                try archive.writeAll(header.encoded())
                let copied = try file.pass(header.size) { try archive.writeAll($0) }
                guard copied == header.size else { throw Errno.ioError }
                try archive.writeAll([UInt8](repeating: 0, count: header.padding))
            }
        }
    }
}
