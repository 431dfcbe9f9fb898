import Shared

/// Where one run lives on the machine.
///
/// What its followers read lies in memory (`/run/pgaf/runs/ID`), so that also a run on a full disk can tell what is
/// wrong; the journal that stays lies under `/var/lib/pgaf/runs/ID`.
public struct RunPlace: Sendable {
    /// pgaf's directory in memory; empty after a reboot, as are the runs then.
    static let runtimeRoot = "/run/pgaf"
    /// Runs whose journals stay on the disk; older ones are removed when a new one begins.
    static let kept = 50

    public let id: String
    let store: ClusterStore

    private var runtime: String { "\(Self.runtimeRoot)/runs/\(id)" }
    private var lasting: String { "\(store.root)/runs/\(id)" }

    /// The request, secrets in it, from the program that starts the run to the one that does the work; removed by the
    /// latter as soon as it is read.
    var request: String { "\(runtime)/request.json" }
    /// Locked by the process that does the work, for as long as it lives; its text is that process's id.
    var owner: String { "\(runtime)/owner" }
    /// What the working process says besides its events.
    var log: String { "\(runtime)/log" }

    /// The journal as followers read it: the one in memory, or the one on the disk after a reboot; nil when there is
    /// none.
    var journal: String? {
        ["\(runtime)/events.jsonl", "\(lasting)/events.jsonl"].first { store.files.exists($0) }
    }

    /// Whether the run was begun on this machine, now or before.
    public var exists: Bool { journal != nil || store.files.exists(runtime) }

    /// Makes the run's directory in memory and forgets the oldest runs.
    ///
    /// - Throws: `file.failed`, `disk.full`.
    func prepare() throws {
        try store.files.makeDirectory(Self.runtimeRoot)
        try store.files.makeDirectory("\(Self.runtimeRoot)/runs")
        try store.files.makeDirectory(runtime)
        for root in ["\(Self.runtimeRoot)/runs", "\(store.root)/runs"] {
            let runs = store.files.list(root).filter(RunIdentifier.isOne)
            // Where a clock was set back, this one comes before the others.
            for old in runs.dropLast(Self.kept) where old != id { try? store.files.remove("\(root)/\(old)") }
        }
    }

    /// Where the events go: to the followers, and to the disk if it takes them.
    func journals() throws -> [Journal] {
        let followed = try Journal(directory: runtime, files: store.files)
        return [followed] + [try? Journal(directory: lasting, files: store.files, durable: true)].compactMap { $0 }
    }

    /// Whether the process that does the work lives.
    var isAlive: Bool { FileLock.isHeld(store.files.place(owner)) }

    /// When the run began on this machine, in seconds since 1970; 0 for one that there is not.
    private var beginning: Double {
        store.files.modified(lasting) ?? store.files.modified(runtime) ?? 0
    }

    /// The run that whoever names none means: the one at work, or else the latest; nil when there was none.
    ///
    /// At work is the one that has the machine for itself; others that live wait for it, or are just beginning.
    /// By when it began here: the ids of some come from another clock, and an `up` has its own before the stop that comes
    /// before it.
    static func current(in store: ClusterStore) -> RunPlace? {
        let names = ["\(runtimeRoot)/runs", "\(store.root)/runs"].flatMap { store.files.list($0) }
        let runs = Set(names.filter(RunIdentifier.isOne)).map { RunPlace(id: $0, store: store) }
            .sorted { ($0.beginning, $0.id) < ($1.beginning, $1.id) }
        let working = MachineLock.currentRun(store)
        return runs.first { $0.id == working } ?? runs.first(where: \.isAlive) ?? runs.last
    }
}
