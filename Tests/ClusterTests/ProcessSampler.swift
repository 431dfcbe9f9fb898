import Foundation
import Synchronization

/// Reads arguments and environments of every process of this machine, over and over, until it is told to stop.
final class ProcessSampler: Sendable {
    private let found = Mutex<[String: Set<String>]>([:])
    private let looks = Mutex(0)
    private let isDone = Atomic(false)
    private let words: Mutex<[String]>

    /// - Parameter words: what is looked for.
    init(_ words: [String]) {
        self.words = Mutex(words)
        // A thread of its own: the looks must go on while the test waits for the programs that are looked at.
        Thread.detachNewThread { [weak self] in
            while let sampler = self, !sampler.isDone.load(ordering: .acquiring) { sampler.look() }
        }
    }

    deinit { isDone.store(true, ordering: .releasing) }

    private func look() {
        for process in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] where Int(process) != nil {
            guard let before = program(process) else { continue }
            for part in ["cmdline", "environ"] {
                // First, since a process that ends has no arguments any more.
                var verb = self.verb(process, before)
                var seen = read("/proc/\(process)/\(part)")
                guard !seen.isEmpty else { continue }
                let after = program(process) ?? before
                // Another program has taken the place of that one: what it has is looked at anew.
                if after != before {
                    verb = self.verb(process, after)
                    seen.formIntersection(read("/proc/\(process)/\(part)"))
                }
                found.withLock { [seen, verb] found in
                    for word in seen { found[word, default: []].insert("\(part) of \(after)\(verb)") }
                }
            }
        }
        looks.withLock { $0 += 1 }
    }

    /// The name of the program that a process runs; nil when it is gone.
    private func program(_ process: String) -> String? {
        // Not what the process calls itself: a child begins with the name of the thread that made it.
        let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/exe")
        return path?.split(separator: "/").last.map(String.init)
    }

    /// A blank and the agent's verb: what its caller is given must not reach the agent that does the work.
    private func verb(_ process: String, _ program: String) -> String {
        guard program == "pgaf-agent", let data = FileManager.default.contents(atPath: "/proc/\(process)/cmdline")
        else { return "" }
        let words = data.split(separator: 0)
        return words.count > 1 ? " \(String(decoding: words[1], as: UTF8.self))" : ""
    }

    private func read(_ file: String) -> Set<String> {
        guard let data = FileManager.default.contents(atPath: file), !data.isEmpty else { return [] }
        return Set(words.withLock { $0 }.filter { data.range(of: Data($0.utf8)) != nil })
    }

    /// Looks from now on for one more, which was not known before.
    func add(_ word: String) { words.withLock { $0.append(word) } }

    /// How often everything was looked at, and where each word was found.
    func finish() -> (looks: Int, places: [String: Set<String>]) {
        isDone.store(true, ordering: .releasing)
        return (looks.withLock { $0 }, found.withLock { $0 })
    }
}
