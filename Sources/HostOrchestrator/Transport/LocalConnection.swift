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
        let file = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
        let said = OutputGathering()
        let status = try await LocalProgram(arguments: privileged ? asRoot(upload.command) : upload.command)
            .run(file: file) { said.take($0) }
        let wasSent = try upload.outcome(status, said, privileged: privileged, on: "this machine")
        await onProgress?(1)
        return wasSent
    }
}
