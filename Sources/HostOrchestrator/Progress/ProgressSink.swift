import Shared

/// Where work reports what it does; it does not know who draws, writes or sends it.
///
/// The host's own steps (`machine`, `connect`, `agent`) speak in the same words as the agent's.
public protocol ProgressSink: Sendable {
    func report(_ body: Event.Body) async
}
