import Crypto
import Foundation
import Shared
import SystemPackage

/// A bundle that was opened: a tar file of plain files, the manifest first.
///
/// The file stays open, so that what is used is what was checked, whatever lies under its name meanwhile. An actor with
/// its own thread because reading and hashing block.
actor Bundle {
    nonisolated let path: String
    nonisolated let manifest: BundleManifest
    private let file: FileDescriptor
    /// Where the bytes of each file begin.
    private let places: [String: Int]
    private let thread: OwnThread

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// Reads the manifest and the headers; `verify` reads the rest.
    ///
    /// - Throws: `bundle.invalid`, `bundle.damaged`, `file.failed`.
    init(_ path: String) throws {
        let file = try FileDigest.open(path)
        do {
            (manifest, places) = try PgafError.onFile("read", path) { try Self.contents(of: file, path) }
        } catch {
            try? file.close()
            throw error
        }
        self.path = path
        self.file = file
        thread = OwnThread(name: "bundle")
    }

    deinit {
        thread.finish()
        try? file.close()
    }

    /// Compares every part with what the manifest says of it.
    ///
    /// - Throws: `bundle.damaged`.
    func verify() throws {
        for member in manifest.members { try read(member) { $0.count } }
    }

    /// Puts one part into a file of this machine, whole or not at all, compared once more.
    ///
    /// - Throws: `bundle.damaged`, `file.failed`, `disk.full`.
    func extract(_ part: BundleManifest.Part, to target: String, mode: FilePermissions) throws {
        guard let member = manifest.members.first(where: { $0.name == part.rawValue }) else {
            throw Self.damaged(path, "it has no \(part.rawValue)")
        }
        let partial = "\(target).partial"
        do {
            try PgafError.onFile("write", target) {
                let copy = try FileDescriptor.open(
                    FilePath(partial), .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: mode)
                try copy.closeAfter { try read(member) { try copy.writeAll($0) } }
                guard rename(partial, target) == 0 else { throw Errno(rawValue: errno) }
            }
        } catch {
            try? MachineFiles().remove(partial)
            throw error
        }
    }

    private func read(
        _ member: BundleManifest.Member, _ take: (UnsafeRawBufferPointer) throws -> Int
    ) throws {
        try PgafError.onFile("read", path) {
            var hash = SHA256()
            try file.seek(offset: Int64(places[member.name] ?? 0), from: .start)
            let count = try file.pass(member.size) { piece in
                hash.update(bufferPointer: piece)
                return try take(piece)
            }
            guard count == member.size, hash.finalize().hexadecimal == member.sha256 else {
                throw Self.damaged(path, "\(member.name) is not what was packed")
            }
        }
    }

    private static func contents(
        of file: FileDescriptor, _ path: String
    ) throws -> (BundleManifest, places: [String: Int]) {
        let length = Int(try file.seek(offset: 0, from: .end))
        var sizes: [String: Int] = [:]
        var places: [String: Int] = [:]
        var manifest: BundleManifest?
        var place = 0
        while true {
            guard let header = try header(of: file, at: place, path) else {
                guard length - place >= TarHeader.end.count else { throw damaged(path, "it ends before its end") }
                break
            }
            place += TarHeader.length
            guard header.size <= length - place else { throw damaged(path, "it ends in the middle of \(header.name)") }
            if manifest == nil { manifest = try readManifest(file, header, path) }
            guard sizes.updateValue(header.size, forKey: header.name) == nil else {
                throw invalid(path, "it has \(header.name.shown) twice")
            }
            places[header.name] = place
            place += header.size + header.padding
        }
        guard let manifest else { throw invalid(path, "it is empty") }
        sizes[BundleManifest.name] = nil
        for member in manifest.members {
            guard let size = sizes.removeValue(forKey: member.name) else {
                throw damaged(path, "it lacks \(member.name.shown)")
            }
            guard size == member.size else { throw damaged(path, "\(member.name.shown) has \(size) bytes") }
        }
        guard sizes.isEmpty, manifest.has(.agent) else {
            throw invalid(path, "it has other files than its manifest names")
        }
        return (manifest, places)
    }

    /// - Returns: nil at the blocks of zeros after the last file.
    private static func header(of file: FileDescriptor, at place: Int, _ path: String) throws -> TarHeader? {
        try file.seek(offset: Int64(place), from: .start)
        var bytes: [UInt8] = []
        _ = try file.pass(TarHeader.length) {
            bytes += $0
            return $0.count
        }
        if place > 0, bytes.count < TarHeader.length { throw damaged(path, "it ends before its end") }
        if place > 0, bytes.allSatisfy({ $0 == 0 }) { return nil }
        guard let header = TarHeader(decoding: bytes) else {
            throw place == 0 ? invalid(path, "it is no tar file of pgaf's") : damaged(path, "a file's header is none")
        }
        return header
    }

    private static func readManifest(
        _ file: FileDescriptor, _ header: TarHeader, _ path: String
    ) throws -> BundleManifest {
        guard header.name == BundleManifest.name, header.size <= BundleManifest.limit else {
            throw invalid(path, "it does not begin with \(BundleManifest.name)")
        }
        var bytes: [UInt8] = []
        _ = try file.pass(header.size) {
            bytes += $0
            return $0.count
        }
        struct Format: Decodable { var format: Int }
        let data = Data(bytes)
        guard let format = try? JSONDecoder().decode(Format.self, from: data).format else {
            throw invalid(path, "its manifest cannot be understood")
        }
        guard format == BundleManifest.format, let manifest = try? JSONDecoder().decode(BundleManifest.self, from: data)
        else {
            throw invalid(path, "its format is \(format), this program knows \(BundleManifest.format)")
        }
        return manifest
    }

    private static func invalid(_ path: String, _ why: String) -> PgafError {
        PgafError(
            .bundleInvalid, "\(path) is no bundle: \(why).",
            remedy: "Name the file that `pgaf-host bundle create` made.")
    }

    private static func damaged(_ path: String, _ why: String) -> PgafError {
        PgafError(
            .bundleDamaged, "The bundle \(path) is damaged: \(why).",
            remedy: "Copy it again, or make it again with `pgaf-host bundle create`. Nothing was changed.")
    }
}
