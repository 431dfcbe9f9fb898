import Foundation
import Synchronization

/// Reads arguments and environments of every process of this machine, over and over, until it is told to stop.
final class ProcessSampler: Sendable {
    private let found = Mutex<[String: String]>([:])
    private let looks = Mutex(0)
    private let isDone = Atomic(false)
    private let words: [String]

    /// - Parameter words: what is looked for.
    init(_ words: [String]) {
        self.words = words
        // A thread of its own: the looks must go on while the test waits for the programs that are looked at.
        Thread.detachNewThread { [weak self] in
            while let sampler = self, !sampler.isDone.load(ordering: .acquiring) { sampler.look() }
        }
    }

    deinit { isDone.store(true, ordering: .releasing) }

    private func look() {
        for process in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] where Int(process) != nil {
            for part in ["cmdline", "environ"] {
                guard let data = FileManager.default.contents(atPath: "/proc/\(process)/\(part)"), !data.isEmpty else {
                    continue
                }
                for word in words where data.range(of: Data(word.utf8)) != nil {
                    let name = (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)) ?? "?"
                    found.withLock { $0["\(part) of \(name)", default: ""] = word }
                }
            }
        }
        looks.withLock { $0 += 1 }
    }

    /// How often everything was looked at, and where the words were found.
    func finish() -> (looks: Int, places: [String]) {
        isDone.store(true, ordering: .releasing)
        return (looks.withLock { $0 }, found.withLock { $0.keys.sorted() })
    }
}
