import FoundationEssentials
import Shared

extension Turnstile {
    /// For the programs of one run or verb: one more at once than there are processors, since some only wait.
    static func forPrograms() -> Turnstile { Turnstile(max(3, ProcessInfo.processInfo.activeProcessorCount + 1)) }
}
