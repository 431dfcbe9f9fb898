import Shared
import SystemPackage

extension SSHConnection {
    /// Uploads through an exec channel: on loopback 58 to 65 MB/s, and 22.7 MB/s at 20 ms round trip where SFTP's
    /// many small confirmations fell to 1.3 to 8.3 MB/s.
    @discardableResult
    public func upload(
        _ path: String, to destination: String, mode: Int, privileged: Bool,
        onProgress: (@Sendable (Double) async -> Void)?
    ) async throws -> Bool {
        let upload = try Upload(source: path, destination: destination, mode: mode)
        let file = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
        defer { try? file.close() }
        var sent = 0
        let said = OutputGathering()
        let status = try await run(
            privileged ? asRoot(upload.command) : upload.command,
            nextInput: {
                guard Upload.reply(said.standardOutput) == .send else { return .later }
                if upload.bytes > 0 { await onProgress?(min(1, Double(sent) / Double(upload.bytes))) }
                let piece = try [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
                    count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
                sent += piece.count
                return piece.isEmpty ? .end : .bytes(piece[...])
            }, onOutput: { said.take($0) })
        let wasSent = try upload.outcome(status, said, privileged: privileged, on: parameters.display)
        await onProgress?(1)
        return wasSent
    }
}
