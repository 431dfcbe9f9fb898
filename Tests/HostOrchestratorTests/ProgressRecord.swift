import HostOrchestrator
import Shared
import Synchronization

/// What was said of a step's progress.
final class ProgressRecord: ProgressSink {
    private let kept = Mutex<[(message: String, fraction: Double?)]>([])

    func report(_ body: Event.Body) async {
        guard case .stepProgress(_, let fraction, let message?) = body else { return }
        kept.withLock { $0.append((message, fraction)) }
    }

    var messages: [String] { kept.withLock { $0.map(\.message) } }
    var fractions: [Double] { kept.withLock { $0.compactMap(\.fraction) } }
}
