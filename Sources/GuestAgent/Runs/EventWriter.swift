import FoundationEssentials
import Shared

/// The one owner of the agent's event stream: numbers events, redacts secrets, and hands each line to its outlets.
public actor EventWriter {
    /// Takes one line without its line end; called in order of `seq`.
    public typealias Outlet = @Sendable (String, Event) throws -> Void

    public nonisolated let run: String
    private var seq = 0
    private let redactor: Redactor
    private let outlets: [Outlet]

    public init(run: String, redactor: Redactor, outlets: [Outlet]) {
        self.run = run
        self.redactor = redactor
        self.outlets = outlets
    }

    /// Writes one event.
    ///
    /// An outlet that fails (a reader that went away) does not end the work.
    public func write(_ body: Event.Body) {
        let event = Event(run: run, seq: seq + 1, time: Timestamp.now(), body: body.mapTexts(redactor.redact))
        guard let line = try? EventCoding.encode(event) else { return }
        // Counted only now: an event that is too long for the wire must not leave a gap.
        seq += 1
        for outlet in outlets { try? outlet(line, event) }
    }
}
