import Shared

extension EventWriter {
    /// Waits with heartbeats in the name of a step, or of the run itself.
    nonisolated func wait<Value: Sendable>(
        _ wait: Wait, step: String?, _ condition: @Sendable () async throws -> Wait.Observation<Value>
    ) async throws -> Value {
        let (since, until) = (Timestamp.now(), Timestamp.after(wait.deadline))
        let pulse = Pulse()
        let tell: @Sendable (Wait, Duration) async -> Void = { wait, elapsed in
            guard await pulse.isDue(at: elapsed) else { return }
            await self.write(.heartbeat(Heartbeat(step: step, awaiting: wait.description, since: since, until: until)))
        }
        return try await wait.until(onWaiting: tell, condition)
    }
}

/// Lets a heartbeat through after 1 s of waiting and then every 10 s.
private actor Pulse {
    private var next = Duration.seconds(1)

    func isDue(at elapsed: Duration) -> Bool {
        guard elapsed >= next else { return false }
        next = elapsed + .seconds(10)
        return true
    }
}
