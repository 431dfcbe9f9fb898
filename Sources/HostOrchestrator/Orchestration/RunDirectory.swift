import Shared

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What one run leaves on the host: `.pgaf/runs/ID/` with `events.jsonl`, `vagrant.log` and `agent.log`.
struct RunDirectory: Sendable, Equatable {
    /// Runs that are kept; older ones are removed when a new one begins.
    static let kept = 20

    let id: String
    let path: String

    var events: String { "\(path)/events.jsonl" }
    /// Every line that Vagrant and its helpers said; the machine writes it, so only runs with one have it.
    var machineLog: String { "\(path)/vagrant.log" }
    /// The agent's standard error.
    var agentLog: String { "\(path)/agent.log" }

    /// Makes the directory of a new run and removes the oldest ones beyond `kept`.
    init(in project: ProjectDirectory, id: String = RunDirectory.newIdentifier()) throws {
        self.id = id
        path = project.run(id)
        try LocalFile.makeDirectory(path, mode: 0o700)
        for old in LocalFile.names(in: project.runs).dropLast(Self.kept) where Self.isIdentifier(old) {
            LocalFile.remove(project.run(old))
        }
    }

    /// Start time and randomness, `20261122T213149123Z-4f0a9c21`: sorts by time, safe in every path.
    static func newIdentifier(at date: Date = Date(), random: UInt32 = .random(in: .min ... .max)) -> String {
        let time = Timestamp.text(date).filter { $0.isNumber || $0 == "T" || $0 == "Z" }
        let hexadecimal = String(random, radix: 16)
        return "\(time)-\(String(repeating: "0", count: 8 - hexadecimal.count))\(hexadecimal)"
    }

    /// Whether a name in `runs/` is one of ours; nothing else there is ever removed.
    static func isIdentifier(_ name: String) -> Bool {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 2 && parts[0].count == 19 && parts[0].hasSuffix("Z") && parts[1].count == 8
    }
}
