import FoundationEssentials
import Shared

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What runs leave behind whose process was killed: programs that they had started, and unfinished files.
///
/// A program that a run starts carries the run's id in its environment. Where there is a systemd it ends such programs
/// together with the run; elsewhere the next run does.
struct AbandonedWork: Sendable {
    /// The variable that marks a run's programs.
    static let mark = "PGAF_RUN"

    let store: ClusterStore
    /// The run that cleans up, which holds the machine's lock; nil for a program that holds it and is no run.
    var run: String?

    /// Ends what is still at work, then removes what was not finished.
    ///
    /// - Throws: `timeout` when a program does not end.
    func clear() async throws {
        let wait = Wait(
            for: "programs of an earlier run that was killed to end", upTo: .seconds(30), every: .milliseconds(50),
            hint: "Look at the processes with \(Self.mark) in their environment on the machine, then run `up` again.")
        try await wait.until {
            let left = processes()
            for process in left { kill(process, SIGKILL) }
            return left.isEmpty ? .found(()) : .notYet("still there: \(left.map(String.init).joined(separator: ", "))")
        }
        for name in store.files.list(store.root) where Self.isUnfinished(name) {
            try store.files.remove("\(store.root)/\(name)")
        }
        try store.files.remove(BaseImageStep.workspace)
        for place in AptRepositories.unfinished(store.files) { try store.files.remove(place) }
        store.files.removeUnfinished(below: store.root)
    }

    static func isUnfinished(_ name: String) -> Bool {
        name == "base.tar" || name == "tmp" || name.hasPrefix("build-")
    }

    /// Processes that runs have started which are no longer alive themselves.
    private func processes() -> [pid_t] {
        store.files.processes.filter { process in
            guard let environment = (try? store.files.read("/proc/\(process)/environ")) ?? nil,
                let owner = Self.owner(environment), owner != run
            else { return false }
            guard !Self.serves(store.files.program(of: process) ?? "") else { return false }
            let place = RunPlace(id: owner, store: store)
            // One that waits for its turn is nobody's orphan, nor is one that is just being born: it reads its request first.
            return !place.isAlive && !store.files.exists(place.request)
        }
    }

    /// Whether a program, by the name that the kernel has of it, belongs to the engine: a package whose installation starts it
    /// hands it the run's environment.
    static func serves(_ name: String) -> Bool {
        ["dockerd", "containerd", "containerd-shim", "docker-proxy"].contains(name) || name.hasPrefix("runc")
    }

    /// The run in a process's environment as `/proc` shows it.
    static func owner(_ environment: String) -> String? {
        environment.split(separator: "\0").first { $0.hasPrefix("\(mark)=") }
            .map { String($0.dropFirst(mark.count + 1)) }
    }
}
