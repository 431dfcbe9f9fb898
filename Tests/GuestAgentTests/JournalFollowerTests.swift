import Foundation
import Shared
import Synchronization
import Testing

@testable import GuestAgent

@Suite(.timeLimit(.minutes(1))) struct JournalFollowerTests {
    private let machine = TestMachine()
    private var place: RunPlace { RunPlace(id: machine.events.run, store: machine.store) }

    private func owner() throws -> FileLock {
        try FileLock(machine.files.place(place.owner), subject: "the run", holder: "1")
    }

    /// Writes events as the working process does.
    private func writer() throws -> EventWriter {
        let journals = try place.journals()
        return EventWriter(
            run: place.id, redactor: Redactor(),
            outlets: journals.map { journal in { line, event in try journal.append(line, event) } })
    }

    @Test func followsFromAnyEventToTheResultWhileItIsWritten() async throws {
        try place.prepare()
        let lock = try owner()
        let events = try writer()
        await events.write(.stepStarted(step: "a"))
        let seen = Mutex<[Int]>([])
        let follower = Task { [place] in
            try await JournalFollower(place).follow(since: 1, waiting: true) { line, event in
                let decoded = try EventCoding.decode(line)
                #expect(decoded == event)
                seen.withLock { $0.append(event.seq) }
            }
        }
        for step in 0..<200 { await events.write(.stepOutput(step: "a", line: "\(step)")) }
        await events.write(.result(RunResult(status: .ok, changed: 3)))
        #expect(try await follower.value?.changed == 3)
        #expect(seen.withLock { $0 } == Array(2...202))
        withExtendedLifetime(lock) {}
    }

    @Test func whoeverDoesNotWaitGetsWhatIsThere() async throws {
        try place.prepare()
        let events = try writer()
        await events.write(.stepStarted(step: "a"))
        let count = Mutex(0)
        let result = try await JournalFollower(place).follow(since: 0, waiting: false) { _, _ in
            count.withLock { $0 += 1 }
        }
        #expect(result == nil && count.withLock { $0 } == 1)
    }

    @Test func aProcessThatDiedIsNotWaitedFor() async throws {
        try place.prepare()
        do { withExtendedLifetime(try owner()) {} }
        let events = try writer()
        await events.write(.stepStarted(step: "a"))
        try machine.files.write("Fatal error: out of luck\n", to: place.log)
        let error = await #expect(throws: PgafError.self) {
            try await JournalFollower(place).follow(since: 0, waiting: true) { _, _ in }
        }
        #expect(error?.code == .agentDied && error?.cause == "its last event was number 1")
        #expect(error?.output == ["Fatal error: out of luck"])
    }

    @Test func afterARebootTheJournalOnTheDiskIsRead() async throws {
        try place.prepare()
        let events = try writer()
        await events.write(.result(RunResult(status: .failed)))
        try machine.files.remove(RunPlace.runtimeRoot)
        #expect(try await JournalFollower(place).follow(since: 0, waiting: true) { _, _ in }?.status == .failed)
        #expect(RunPlace.current(in: machine.store)?.id == place.id)
    }

    /// An `up` has its id before the stop for which it makes room, and begins after it.
    @Test func theRunThatIsMeantIsTheOneAtWorkOrTheOneThatBeganLast() throws {
        for (id, time) in [("20261122T213149123Z-4f0a9c21", 20.0), ("20261122T213150000Z-00000000", 10.0)] {
            let place = RunPlace(id: id, store: machine.store)
            try place.prepare()
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: time)],
                ofItemAtPath: machine.files.place("\(RunPlace.runtimeRoot)/runs/\(id)"))
        }
        #expect(RunPlace.current(in: machine.store)?.id == "20261122T213149123Z-4f0a9c21")
        // Another that was refused, or waits for its turn, is not what people mean.
        let working = try FileLock(
            machine.files.place(
                RunPlace(id: "20261122T213150000Z-00000000", store: machine.store).owner), subject: "it",
            holder: "a test")
        #expect(RunPlace.current(in: machine.store)?.id == "20261122T213150000Z-00000000")
        // Nor is one that began before the one that has the machine now.
        let other = RunPlace(id: "20261122T213149123Z-4f0a9c21", store: machine.store)
        let waiting = try FileLock(machine.files.place(other.owner), subject: "it", holder: "a test")
        let machineLock = try MachineLock(store: machine.store, holder: "run \(other.id), `up`").now()
        #expect(RunPlace.current(in: machine.store)?.id == other.id)
        withExtendedLifetime((waiting, machineLock)) {}
        withExtendedLifetime(working) {}
    }

    @Test func aRunThatNeverWasIsNotWaitedFor() async throws {
        let error = await #expect(throws: PgafError.self) {
            try await JournalFollower(place).follow(since: 0, waiting: true) { _, _ in }
        }
        #expect(error?.code == .runNotFound)
        #expect(RunPlace.current(in: machine.store) == nil)
    }

    @Test func oldRunsGoWhenANewOneBegins() throws {
        for index in 0..<60 {
            let id = RunIdentifier.new(at: Date(timeIntervalSince1970: Double(index)))
            try machine.files.makeDirectory("\(machine.store.root)/runs/\(id)")
        }
        try machine.place("\(machine.store.root)/runs/notes", "somebody's own")
        try place.prepare()
        let left = machine.files.list("\(machine.store.root)/runs")
        #expect(left.count == RunPlace.kept + 1 && left.contains("notes"))
    }

    @Test func aRunIsStartedOnceAndItsRequestIsNobodyElsesToRead() async throws {
        let machine = machine
        let path = machine.files.place(place.request)
        machine.runner.on("setsid") { _ in
            #expect((try? FileManager.default.attributesOfItem(atPath: path))?[.posixPermissions] as? Int == 0o600)
            return CommandResult()
        }
        let request = Request(run: place.id, configuration: Configuration(), secrets: TestMachine.secrets)
        let run = DetachedRun(runner: machine.runner, store: machine.store, program: "/usr/local/bin/pgaf-agent")
        _ = try await run.start(request)
        _ = try await run.start(request)
        #expect(machine.runner.lines.count == 1)
        let text = try #require(try machine.files.read(place.request))
        #expect(try Request(decoding: Array(text.utf8)) == request)
        #expect(!machine.runner.commands[0].arguments.contains { $0.contains("s3cret") })
    }

    @Test func theCommandsThatDetach() {
        let place = RunPlace(id: "ID", store: ClusterStore())
        let own = DetachedRun.command("/usr/local/bin/pgaf-agent", place, systemd: false)
        #expect(
            [own.executable] + own.arguments == [
                "setsid", "--fork", "sh", "-c", "exec \"$0\" \"$@\" </dev/null >/dev/null 2>>\"$PGAF_LOG\"",
                "/usr/local/bin/pgaf-agent", "work", "ID",
            ])
        #expect(own.environment == ["PGAF_LOG": "/run/pgaf/runs/ID/log", "PGAF_RUN": "ID"])
        let hiding = DetachedRun.command("a", place, systemd: false, hiding: ["PW", "PW_2"])
        #expect(hiding.arguments.prefix(5) == ["--fork", "env", "--unset=PW", "--unset=PW_2", "sh"])
        let unit = DetachedRun.command("/usr/local/bin/pgaf-agent", place, systemd: true)
        #expect(
            [unit.executable] + unit.arguments == [
                "systemd-run", "--quiet", "--collect", "--unit", "pgaf-run-ID", "--description", "pgaf run ID",
                "--property", "KillMode=mixed", "--property", "TimeoutStopSec=900", "--property",
                "StandardError=append:/run/pgaf/runs/ID/log", "--setenv", "PGAF_RUN=ID", "--",
                "/usr/local/bin/pgaf-agent", "work", "ID",
            ])
    }

    @Test func whatAKilledRunLeftIsCleared() async throws {
        let files = machine.files
        let root = machine.store.root
        for name in ["tmp", "build-pgaf", "clusters"] { try files.makeDirectory("\(root)/\(name)") }
        try files.write("half", to: "\(root)/base.tar")
        try files.makeDirectory("\(BaseImageStep.workspace)/mmdebstrap.x")
        try files.makeDirectory("/run/pgaf-repository-docker-trixie/lists")
        // A plan on its way writes there.
        try files.write("half", to: "/run/pgaf-repository-probe")
        // What a box carries was left by nobody.
        try machine.place(BaseSystem.prepared)
        try await AbandonedWork(store: machine.store, run: place.id).clear()
        #expect(files.list(root) == ["clusters"] && !files.exists(BaseImageStep.workspace))
        #expect(files.list("/run").filter { $0.hasPrefix("pgaf-repository") } == ["pgaf-repository-probe"])
        #expect(files.exists(BaseSystem.prepared))
        #expect(AbandonedWork.owner("PATH=/bin\0PGAF_RUN=x-y\0A=1\0") == "x-y")
        #expect(AbandonedWork.owner("PATH=/bin\0NOT_PGAF_RUN=x\0") == nil)
        #expect(["dockerd", "runc:[2:INIT]"].allSatisfy(AbandonedWork.serves) && !AbandonedWork.serves("docker"))
    }
}
