import Shared
import SystemPackage

/// Reads the journal of a run while it is written, from any event on, to the run's result.
public struct JournalFollower: Sendable {
    let place: RunPlace

    public init(_ place: RunPlace) { self.place = place }

    /// How soon a new event is seen after another one; a look is one system call.
    private static let interval = Duration.milliseconds(20)
    /// How soon after a silence: the follower has the same processor as the work.
    private static let longestInterval = Duration.milliseconds(60)
    /// How soon the end of a working process that left no result is seen; asking for it is many system calls.
    private static let aliveInterval = Duration.milliseconds(500)

    /// Hands on every event after `since`.
    ///
    /// - Parameters:
    ///   - waiting: whether to wait for events that are not written yet, until the result; otherwise it ends with what
    ///     is there.
    /// - Returns: the result; nil when there is none yet and nobody waits.
    /// - Throws: `run.not-found`; `agent.died` when the working process has ended without a result; what `take` throws.
    @discardableResult
    public func follow(
        since: Int, waiting: Bool, _ take: (String, Event) async throws -> Void
    ) async throws -> RunResult? {
        guard place.exists else { throw notFound }
        var lines = LineSplitter(limit: EventCoding.maximumLineLength + 1, breaksAtCarriageReturn: false)
        var last = 0
        var result: RunResult?
        let journal = try await open()
        let askAlive = Rhythm(every: Self.aliveInterval)
        var pause = Self.interval
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        return try await journal.closing { journal in
            while true {
                // Asked before the look: what a process wrote before it ended is there to be read afterwards.
                let isAlive = askAlive.isDue() ? place.isAlive : true
                let count = try buffer.withUnsafeMutableBytes { try journal.read(into: $0) }
                for line in lines.append(buffer[..<count]) {
                    let event = try EventCoding.decode(line)
                    last = event.seq
                    if event.seq > since { try await take(line, event) }
                    if case .result(let end) = event.body { result = end }
                }
                if let result { return result }
                guard count == 0 else {
                    pause = Self.interval
                    continue
                }
                guard waiting else { return nil }
                guard isAlive else { throw died(last) }
                try await ContinuousClock().sleep(for: pause)
                pause = min(pause * 2, Self.longestInterval)
            }
        }
    }

    /// Waits until the working process has begun, which makes the journal.
    private func open() async throws -> FileDescriptor {
        let wait = Wait(
            for: "the run \(place.id) to begin", upTo: .seconds(60), every: Self.interval,
            hint: "Look into \(place.log) on the machine, then run `up` again.", code: .agentDied)
        let path = try await wait.until {
            place.journal.map { .found($0) } ?? .notYet("its journal is not there")
        }
        return try PgafError.onFile("read the journal", path) {
            try FileDescriptor.open(FilePath(place.store.files.place(path)), .readOnly, options: .closeOnExec)
        }
    }

    private var notFound: PgafError {
        PgafError(
            .runNotFound, "There is no run \(place.id) on this machine.",
            remedy: "Leave the run out to follow the latest one, or begin one with `up`.")
    }

    private func died(_ last: Int) -> PgafError {
        let words = (try? place.store.files.read(place.log)) ?? nil
        return PgafError(
            .agentDied, "The run \(place.id) ended without a result: its process is gone.",
            remedy: "Run `up` again; it goes on where this one stopped.",
            cause: last == 0 ? "it said nothing at all" : "its last event was number \(last)",
            output: (words ?? "").split(whereSeparator: \.isNewline).suffix(12).map(String.init))
    }
}

extension FileDescriptor {
    fileprivate func closing<Value>(_ body: (FileDescriptor) async throws -> Value) async throws -> Value {
        do {
            let value = try await body(self)
            try close()
            return value
        } catch {
            try? close()
            throw error
        }
    }
}
