import Foundation
import Shared
import Subprocess
import SystemPackage

/// This machine itself: the same protocol over the pipes of child processes.
///
/// An actor with its own thread because reading and hashing a file blocks.
public actor LocalConnection: Connection {
    private let thread = OwnThread(name: "local files")

    public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    public init() {}

    deinit { thread.finish() }

    public func close() {}

    public nonisolated func asRoot(_ arguments: [String]) -> [String] {
        Elevation.arguments(arguments, isRoot: geteuid() == 0)
    }

    public nonisolated func execute(
        _ arguments: [String], input: Secret?, onOutput: @escaping @Sendable (OutputChunk) async throws -> Void
    ) async throws -> RemoteStatus {
        try await LocalProgram(arguments: arguments).run(input: input, onOutput: onOutput)
    }

    @discardableResult
    public func upload(
        _ path: String, to destination: String, mode: Int, privileged: Bool,
        onProgress: (@Sendable (Double) async -> Void)?
    ) async throws -> Bool {
        let upload = try Upload(source: path, destination: destination, mode: mode)
        let elevate: ([String]) -> [String] = { privileged ? self.asRoot($0) : $0 }

        let found = OutputGathering()
        let probed = try await LocalProgram(arguments: elevate(upload.probe)).run(input: nil) { found.take($0) }
        switch found.standardOutput.trimmed {
        case "same" where probed == .exited(0):
            await onProgress?(1)
            return false
        case "differs": break
        case "" where privileged && probed != .exited(0):
            throw Upload.noRoot(on: "this machine", output: found.lastLines)
        default: throw upload.failure(probed, on: "this machine", output: found.lastLines)
        }

        let file = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
        let stored = OutputGathering()
        let status = try await LocalProgram(arguments: elevate(upload.store)).run(file: file) { stored.take($0) }
        guard status == .exited(0) else {
            throw upload.failure(status, on: "this machine", output: stored.lastLines)
        }
        await onProgress?(1)
        return true
    }
}
