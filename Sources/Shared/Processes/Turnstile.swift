/// Lets a limited number through at once; the others wait in the order in which they came.
public actor Turnstile {
    private var free: Int
    private var waiting: [(id: Int, continuation: CheckedContinuation<Bool, Never>)] = []
    private var lastId = 0

    public init(_ limit: Int) { free = max(1, limit) }

    /// Runs `body` once there is room.
    ///
    /// - Throws: `CancellationError` when the task is cancelled while it waits, and what `body` throws.
    public func pass<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws -> Value {
        try await enter()
        defer { leave() }
        return try await body()
    }

    private func enter() async throws {
        try Task.checkCancellation()
        if free > 0 {
            free -= 1
            return
        }
        lastId += 1
        let id = lastId
        let entered = await withTaskCancellationHandler {
            await withCheckedContinuation { waiting.append((id, $0)) }
        } onCancel: {
            Task { await self.giveUp(id) }
        }
        guard entered else { throw CancellationError() }
    }

    private func leave() {
        guard !waiting.isEmpty else {
            free += 1
            return
        }
        waiting.removeFirst().continuation.resume(returning: true)
    }

    private func giveUp(_ id: Int) {
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { return }
        waiting.remove(at: index).continuation.resume(returning: false)
    }
}

/// Runs commands with another runner, a limited number at once: a machine whose processors are few, or emulated, comes up
/// sooner when it is not asked everything at the same time.
public struct LimitedRunner: CommandRunner {
    private let runner: any CommandRunner
    private let turnstile: Turnstile

    public init(_ runner: any CommandRunner, turnstile: Turnstile) {
        self.runner = runner
        self.turnstile = turnstile
    }

    public func run(_ command: Command, onLine: (@Sendable (String) async -> Void)?) async throws -> CommandResult {
        try await turnstile.pass { try await runner.run(command, onLine: onLine) }
    }
}
