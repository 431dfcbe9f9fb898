import Shared
import Synchronization
import Testing

@testable import GuestAgent

@Suite struct EventWriterTests {
    @Test func numbersHaveNoGapsHoweverManyWrite() async {
        let machine = TestMachine()
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<200 {
                group.addTask { await machine.events.write(.stepOutput(step: "s\(index)", line: "x")) }
            }
        }
        #expect(machine.written.map(\.seq) == Array(1...200))
        #expect(Set(machine.written.map(\.run)) == [machine.events.run])
    }

    @Test func anEventThatIsTooLongLeavesNoGap() async throws {
        let machine = TestMachine()
        let long = String(repeating: "x", count: 100_000)
        await machine.events.write(.stepStarted(step: "a"))
        await machine.events.write(.stepStarted(step: long))
        await machine.events.write(.stepStarted(step: "b"))
        #expect(machine.written.map(\.seq) == [1, 2])
    }

    @Test func eachLineIsTheEvent() async throws {
        let machine = TestMachine()
        await machine.events.write(.stepOutput(step: "a", line: "two\nlines"))
        #expect(machine.lines.count == 1 && !machine.lines[0].contains("\n"))
        #expect(try EventCoding.decode(machine.lines[0]) == machine.written[0])
    }

    @Test func anOutletThatFailsDoesNotStopTheOthers() async {
        let lines = Mutex<[Int]>([])
        let writer = EventWriter(
            run: "r", redactor: Redactor(),
            outlets: [
                { _, _ in throw PgafError(.fileFailed, "gone", remedy: "") },
                { _, event in lines.withLock { $0.append(event.seq) } },
            ])
        await writer.write(.stepStarted(step: "a"))
        await writer.write(.stepStarted(step: "b"))
        #expect(lines.withLock { $0 } == [1, 2])
    }

    private static let secret = TestMachine.secrets.superuser.revealed
    private static let failure = PgafError(
        .internalError, "m \(secret)", remedy: "r \(secret)", cause: "c \(secret)", output: ["o \(secret)"])
    private static let bodies: [Event.Body] = [
        .hello(Hello(agent: secret, protocols: [1], kernel: secret, architecture: secret, distribution: secret)),
        .plan([
            PlannedStep(id: secret, title: secret, dependencies: [secret], action: .create, changes: ["x \(secret)"])
        ]),
        .stepStarted(step: secret), .stepProgress(step: secret, fraction: 0.5, message: secret),
        .stepOutput(step: "image", line: "password=\(secret)!"),
        .stepFinished(step: secret, outcome: .changed, seconds: 1),
        .stepFailed(step: secret, error: failure, seconds: 1),
        .heartbeat(Heartbeat(step: secret, awaiting: secret, since: secret, until: secret)),
        .result(RunResult(status: .failed, error: failure, warnings: [secret])),
        .state(
            FormationState(cluster: secret, monitor: secret, nodes: [], healthy: false, notes: [secret])),
        .unknown(type: secret),
    ]

    @Test(arguments: bodies.indices)
    func noTextOfAnyEventShowsASecret(_ index: Int) async {
        let machine = TestMachine()
        await machine.events.write(Self.bodies[index])
        #expect(machine.lines.count == 1)
        #expect(!machine.lines[0].contains(Self.secret), "\(Self.bodies[index].type)")
        #expect(machine.lines[0].contains("••••"))
    }
}
