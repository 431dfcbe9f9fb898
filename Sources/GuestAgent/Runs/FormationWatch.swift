import Shared

/// One look at the formation after another.
struct FormationWatch: Sendable {
    let reader: FormationReader
    /// The pause between two looks; at least as long as a look took, so that a slow machine has time for its work.
    let interval: Duration

    /// Looks until the task is cancelled or `take` throws.
    func run(_ take: (FormationLook) throws -> Void) async throws {
        let clock = ContinuousClock()
        while true {
            try Task.checkCancellation()
            let start = clock.now
            try take(await look())
            try await clock.sleep(for: max(interval, clock.now - start))
        }
    }

    func look() async -> FormationLook {
        var reader = reader
        reader.tellsOfWork = true
        do {
            guard let state = try await reader.read() else { return .failure(.engineIsSilent) }
            return .success(state)
        } catch {
            return .failure(.wrapping(error, doing: "looking at the formation"))
        }
    }

    /// A look as one line of the protocol.
    static func line(_ look: FormationLook) throws -> String {
        switch look {
        case .success(let state): try JSONText.line(state)
        case .failure(let error): try JSONText.line(["error": error])
        }
    }
}
