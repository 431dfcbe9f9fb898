import ArgumentParser
import Dispatch
import Shared
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// `pgaf-agent work`: the process that does the work of a run; started by `up`, never by people.
struct AgentWorkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work", abstract: "Do the work of a run that `up` has prepared.", shouldDisplay: false)

    @Argument(help: "The run's id.")
    var identifier: String

    func run() async throws {
        try Privilege.requireRoot()
        let store = ClusterStore()
        let place = RunPlace(id: identifier, store: store)
        let owner = try await own(place)
        defer { withExtendedLifetime(owner) {} }
        try store.files.requireTrust(place.request, alone: true)
        guard RunIdentifier.isOne(identifier), let text = try store.files.read(place.request) else {
            throw PgafError(
                .runNotFound, "There is no prepared run \"\(identifier.prefix(40))\".",
                remedy: "Begin one with `pgaf-agent up`.")
        }
        try store.files.remove(place.request)
        let request = try Request(decoding: Array(text.utf8))
        let journals = try place.journals()
        let events = EventWriter(
            run: request.run, redactor: Redactor(request.secrets.all),
            outlets: journals.map { journal in { line, event in try journal.append(line, event) } })
        let turnstile = Turnstile.forPrograms()
        let stop = StopSign()
        let signals = Self.raising(stop)
        defer { for source in signals { source.cancel() } }
        let runner = LimitedRunner(SubprocessRunner(), turnstile: turnstile)
        let sessions = PsqlSessions(turnstile: turnstile)
        let status =
            if let order = request.order {
                await RoleRun(
                    runner: runner, sessions: sessions, besideSessions: PsqlSessions(turnstile: Turnstile(2)),
                    store: store, request: request, order: order, events: events, stop: stop
                ).run()
            } else if request.clusterOrder == .down {
                await RemovalRun(runner: runner, store: store, request: request, events: events, stop: stop).run()
            } else if let order = request.clusterOrder {
                await HaltRun(
                    runner: runner, store: store, request: request, order: order, events: events, stop: stop
                ).run()
            } else {
                await UpRun(
                    runner: runner, sessions: sessions, store: store, request: request, events: events, stop: stop
                ).run()
            }
        if status != 0 { throw ExitCode(status) }
    }

    /// Marks this process as the run's own. Followers ask for the lock now and then, so it may be taken for a moment.
    private func own(_ place: RunPlace) async throws -> FileLock {
        let wait = Wait(
            for: "the run's own lock", upTo: .seconds(10), every: .milliseconds(10),
            hint: "Run `up` again.", code: .clusterLocked)
        return try await wait.until {
            do {
                return .found(
                    try FileLock(
                        place.store.files.place(place.owner), subject: "this run", holder: "\(getpid())"))
            } catch let error as PgafError where error.code == .clusterLocked {
                return .notYet(error.message)
            }
        }
    }

    /// TERM and INT ask for the end at the next step boundary; HUP means nothing to a process without a terminal.
    private static func raising(_ stop: StopSign) -> [any DispatchSourceSignal] {
        signal(SIGHUP, SIG_IGN)
        return [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { stop.raise() }
            source.resume()
            return source
        }
    }
}
