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
        let elevate: ([String]) -> [String] = { privileged ? self.asRoot($0) : $0 }

        let found = OutputGathering()
        let probed = try await execute(elevate(upload.probe), input: nil) { found.take($0) }
        switch found.standardOutput.trimmed {
        case "same" where probed == .exited(0):
            await onProgress?(1)
            return false
        case "differs": break
        case "" where privileged && probed != .exited(0):
            throw Upload.noRoot(on: parameters.display, output: found.lastLines)
        default: throw upload.failure(probed, on: parameters.display, output: found.lastLines)
        }

        let file = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
        defer { try? file.close() }
        var sent = 0
        let stored = OutputGathering()
        let status = try await run(
            elevate(upload.store),
            nextInput: {
                if upload.bytes > 0 { await onProgress?(min(1, Double(sent) / Double(upload.bytes))) }
                let piece = try [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
                    count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
                sent += piece.count
                return piece.isEmpty ? nil : piece[...]
            }, onOutput: { stored.take($0) })
        guard status == .exited(0) else {
            throw upload.failure(status, on: parameters.display, output: stored.lastLines)
        }
        await onProgress?(1)
        return true
    }
}
