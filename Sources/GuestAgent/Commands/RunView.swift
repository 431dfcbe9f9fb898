import ArgumentParser
import Shared

/// A run shown as it goes: its events as JSON lines on standard output, or as text for people on standard error.
struct RunView: Sendable {
    let place: RunPlace
    let json: Bool

    /// Shows every event after `since`; ends the program with the exit code that belongs to the run's result.
    ///
    /// - Throws: `run.not-found`, `agent.died`; an `ExitCode` for a run that did not end well.
    func show(since: Int, waiting: Bool) async throws {
        let result = try await JournalFollower(place).follow(since: since, waiting: waiting) { line, event in
            if json {
                // A reader that went away ends the following, never the run.
                try Output.event(line)
            } else if let text = EventText.line(event.body) {
                Output.error(text)
            }
        }
        if let error = result?.error { throw ExitCode(error.code.exitCode) }
    }
}
