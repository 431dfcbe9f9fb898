import Shared

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
        Elevation.arguments(arguments, isRoot: Elevation.isRoot)
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
        try await Upload.perform(
            path, to: destination, mode: mode, privileged: privileged, over: self, named: "this machine", onProgress
        ) { upload, command, said in
            try await LocalProgram(arguments: command).run(file: upload.file) { said.take($0) }
        }
    }
}
