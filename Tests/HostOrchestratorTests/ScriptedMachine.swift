import Shared
import Synchronization

@testable import HostOrchestrator

/// A machine that answers what a test wrote down, and remembers what it was asked.
final class ScriptedMachine: Machine, Connection {
    struct Call: Sendable, Equatable {
        var arguments: [String]
        var input: Secret?
    }

    /// Writes to the host as the agent would.
    typealias Emit = @Sendable (OutputChunk) async throws -> Void
    /// What the agent's `up` does with its request.
    typealias Script = @Sendable (Request, @escaping Emit) async throws -> RemoteStatus

    /// What another verb of the agent does with its arguments.
    typealias Verb = @Sendable ([String], @escaping Emit) async throws -> RemoteStatus

    let description = "virtual machine \"test\""
    private let script: Script
    private let verbs: [String: Verb]
    private let answers: [String: CommandResult]
    private let needsWork: Bool
    private let reloads: Bool
    private let seen: MachineOutlook
    private let calls = Mutex<[Call]>([])
    private let events = Mutex<[String]>([])

    /// - Parameters:
    ///   - reloads: whether it wants to be started anew when it is brought up.
    ///   - answers: by the last words of a command line (`status --json --cluster pgaf`).
    ///   - verbs: by the agent's verb (`follow`, `cancel`).
    init(
        needsWork: Bool = true, reloads: Bool = false, outlook: MachineOutlook = MachineOutlook(.running),
        answers: [String: CommandResult] = [:], verbs: [String: Verb] = [:],
        script: @escaping Script = { _, _ in .exited(1) }
    ) {
        self.needsWork = needsWork
        self.reloads = reloads
        seen = outlook
        self.answers = answers
        self.verbs = verbs
        self.script = script
    }

    var executed: [Call] { calls.withLock { $0 } }
    /// The configurations that it was made from.
    let meant = Mutex<[Configuration]>([])
    /// Whether nobody answers at its address.
    let isSilent = Mutex(false)
    /// As whom clients of this host arrive.
    let clients = Mutex<IPv4Address?>(nil)
    /// `bringUp`, `connect`, `upload …`, `close`, `destroy` in their order.
    var story: [String] { events.withLock { $0 } }

    func outlook() async throws -> MachineOutlook { seen }

    func bringUp(
        reporting progress: any ProgressSink, rest: (@Sendable () async throws -> Void)?
    ) async throws -> Bool {
        tell("bringUp")
        if reloads, let rest {
            try await rest()
            tell("reload")
        }
        await progress.report(.stepOutput(step: "machine", line: "==> default: \u{1b}[32mBooting VM\u{1b}[0m..."))
        return needsWork
    }

    func connect() async throws -> any Connection {
        tell("connect")
        if isSilent.withLock({ $0 }) { throw PgafError(.machineUnreachable, "m", remedy: "r") }
        if seen.state == .stopped, !story.contains("bringUp") { throw PgafError(.machineNotMade, "m", remedy: "r") }
        return self
    }

    func endpoint(forGuestPort port: Int) async throws -> Endpoint {
        Endpoint(address: "127.0.0.1", port: port + 10_000)
    }

    func clientAddress() async -> IPv4Address? { clients.withLock { $0 } }

    func interactiveCommand(_ remote: [String], terminal: Bool) async throws -> Command {
        Command("ssh", ["test"] + remote)
    }
    func destructionSummary() async throws -> [String] { ["the virtual machine \"test\""] }
    func destroy(reporting progress: any ProgressSink) async throws { tell("destroy") }

    func execute(
        _ arguments: [String], input: Secret?, onOutput: @escaping @Sendable (OutputChunk) async throws -> Void
    ) async throws -> RemoteStatus {
        calls.withLock { $0.append(Call(arguments: arguments, input: input)) }
        if arguments == ["id", "-u"] {
            try await onOutput(.standardOutput(Array("1000\n".utf8)))
            return .exited(0)
        }
        if arguments == ["sudo", "-n", "true"] { return .exited(answers["sudo -n true"]?.status ?? 0) }
        if arguments.last == "up", let input {
            return try await script(Request(decoding: Array(input.revealed.utf8)), onOutput)
        }
        if let verb = arguments.lazy.compactMap({ self.verbs[$0] }).first { return try await verb(arguments, onOutput) }
        let line = arguments.joined(separator: " ")
        guard let answer = answers.first(where: { line.hasSuffix($0.key) })?.value else { return .exited(127) }
        try await onOutput(.standardOutput(Array(answer.standardOutput.utf8)))
        try await onOutput(.standardError(Array(answer.standardError.utf8)))
        return .exited(answer.status)
    }

    func upload(
        _ path: String, to destination: String, mode: Int, privileged: Bool,
        onProgress: (@Sendable (Double) async -> Void)?
    ) async throws -> Bool {
        tell("upload to \(destination), mode \(String(mode, radix: 8))\(privileged ? ", as root" : "")")
        await onProgress?(0.5)
        return needsWork
    }

    func close() async { tell("close") }

    private func tell(_ event: String) { events.withLock { $0.append(event) } }
}

/// The agent's side of a script: numbers events and cuts the bytes where no line ends.
struct ScriptedAgent: Sendable {
    let run: String
    let emit: ScriptedMachine.Emit

    func send(_ bodies: [Event.Body], from first: Int = 1) async throws {
        for (offset, body) in bodies.enumerated() {
            let event = Event(run: run, seq: first + offset, time: "2026-01-02T03:04:05.678Z", body: body)
            let bytes = Array((try EventCoding.encode(event) + "\n").utf8)
            try await emit(.standardOutput(Array(bytes.prefix(7))))
            try await emit(.standardOutput(Array(bytes.dropFirst(7))))
        }
    }

    /// The id that the agent is told for the run of an order.
    static func run(in arguments: [String]) -> String {
        arguments[(arguments.firstIndex(of: "--run") ?? 0) + 1]
    }

    /// What an order's verb tells as a run of the id that it is given.
    static func telling(_ bodies: [Event.Body]) -> ScriptedMachine.Verb {
        { arguments, emit in
            try await ScriptedAgent(run: run(in: arguments), emit: emit).send(bodies)
            return .exited(0)
        }
    }

    static let formation: FormationState = {
        var one = FormationState.Node(name: "pgnode1", host: "pgnode1", port: 5432)
        one.reportedState = "primary"
        one.assignedState = "primary"
        one.health = 1
        one.lsn = "0/3000148"
        one.publishedPort = 5001
        one.container = "running"
        var two = FormationState.Node(name: "pgnode2", host: "pgnode2", port: 5432)
        two.reportedState = "catchingup"
        two.assignedState = "secondary"
        two.health = 0
        two.lag = 5 << 20
        return FormationState(
            cluster: "pgaf", monitor: "running", nodes: [one, two], healthy: false, notes: ["pgnode2 is catching up"])
    }()

    static func happy(_ outcome: StepOutcome) -> [Event.Body] {
        [
            .hello(
                Hello(agent: "0.1.0", protocols: [1], kernel: "6.12", architecture: "x86_64", distribution: "debian")),
            .plan([PlannedStep(id: "docker", title: "Docker engine", dependencies: [], action: .create)]),
            .stepStarted(step: "docker"), .stepOutput(step: "docker", line: "Setting up docker.io"),
            .stepFinished(step: "docker", outcome: outcome, seconds: 4.1),
            .state(formation),
            .result(RunResult(status: .ok, changed: outcome == .changed ? 1 : 0, warnings: ["access is open"])),
        ]
    }
}
