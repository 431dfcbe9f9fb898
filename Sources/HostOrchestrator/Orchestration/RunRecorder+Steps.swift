import Shared

extension RunRecorder {
    /// One of the host's own steps, reported in the agent's words.
    ///
    /// - Parameter work: returns a value and whether anything was changed.
    nonisolated func step<Value: Sendable>(
        _ step: HostStep, _ work: () async throws -> (Value, changed: Bool)
    ) async throws -> Value {
        let start = ContinuousClock.now
        func seconds() -> Double { ((ContinuousClock.now - start).inSeconds * 1000).rounded() / 1000 }
        await report(.stepStarted(step: step.id))
        do {
            let (value, changed) = try await work()
            await report(.stepFinished(step: step.id, outcome: changed ? .changed : .unchanged, seconds: seconds()))
            return value
        } catch {
            let reason: any Error = Task.isCancelled ? CancellationError() : error
            await report(
                .stepFailed(
                    step: step.id, error: .wrapping(reason, doing: "taking the step \(step.id)"), seconds: seconds()))
            throw error
        }
    }

    /// The same for work that only tells whether it changed anything.
    nonisolated func step(_ step: HostStep, _ work: () async throws -> Bool) async throws {
        _ = try await self.step(step) { () async throws -> (Bool, changed: Bool) in
            let changed = try await work()
            return (changed, changed)
        }
    }
}
