import Shared

/// Who shows a run to people or programs while it goes on; chosen once, at the start.
///
/// Synchronous, so that events are shown in the order in which they are recorded; an implementation guards its state
/// itself, since `tick` comes from elsewhere.
protocol EventDisplay: Sendable {
    /// Shows one event, already cleaned and redacted.
    func show(_ event: Event)

    /// Draws what changes without an event (elapsed times); called about ten times a second while a run goes on.
    func tick()

    /// Says something to the user in between, without spoiling what is drawn.
    func say(_ line: String, elsewhere errors: any TextOutput)

    /// Draws nothing until `resume`, so that a question can be asked on the terminal.
    func pause()
    func resume()

    /// Leaves the terminal in order; nothing is shown afterwards.
    func finish()
}

extension EventDisplay {
    func tick() {}
    func pause() {}
    func resume() {}
    func finish() {}
    func say(_ line: String, elsewhere errors: any TextOutput) { errors.write(line + "\n") }

    /// Does the work while the display moves.
    func animating<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
        defer { finish() }
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await work() }
            group.addTask {
                // The beat of the animation; nothing waits for it.
                while !Task.isCancelled {
                    tick()
                    try? await Task.sleep(for: .milliseconds(100))
                }
                return nil
            }
            defer { group.cancelAll() }
            while let finished = try await group.next() {
                if let finished { return finished }
            }
            throw CancellationError()
        }
    }
}

/// `--progress none`.
struct SilentDisplay: EventDisplay {
    func show(_ event: Event) {}
}

/// `--progress json`: the events as they are, one line each.
struct JSONDisplay: EventDisplay {
    let output: any TextOutput

    func show(_ event: Event) {
        // An event that cannot be encoded was not recorded either; the recorder reports that.
        guard let line = try? EventCoding.encode(event) else { return }
        output.write(line + "\n")
    }
}
