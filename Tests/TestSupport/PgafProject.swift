import Foundation
import Shared
import Synchronization
import Testing

/// A project directory with a pgaf.yaml, in which the real pgaf-host is run as a user would.
package struct PgafProject: Sendable {
    package let directory: String
    package let runner = SubprocessRunner()

    /// The top of this package.
    package static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    package init(directory: String, yaml: String) throws {
        self.directory = directory
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try yaml.write(toFile: "\(directory)/pgaf.yaml", atomically: true, encoding: .utf8)
    }

    /// Runs pgaf-host in the project directory, with the static agent.
    ///
    /// - Parameter environment: added to that of the test.
    @discardableResult
    package func host(
        _ arguments: [String], environment: [String: String] = [:], expecting status: Int32? = 0,
        onLine: (@Sendable (String) async -> Void)? = nil
    ) async throws -> CommandResult {
        let agent = "\(Self.root)/.build-agent/release/pgaf-agent"
        guard FileManager.default.isExecutableFile(atPath: agent) else {
            throw PgafError(.agentMissing, "\(agent) is not there.", remedy: "Run `make agent`.")
        }
        let result = try await runner.run(
            Command(
                "\(Self.root)/.build/debug/pgaf-host", arguments,
                environment: environment.merging(["PGAF_AGENT": agent]) { $1 },
                workingDirectory: directory, deadline: .seconds(3000)), onLine: onLine)
        if let status, result.status != status {
            Issue.record("pgaf-host \(arguments) ended with \(result.status): \(result.standardError)")
        }
        return result
    }

    /// pgaf-host as a child that goes on by itself.
    ///
    /// - Parameters:
    ///   - environment: added to that of the test.
    ///   - output: file for its standard output, beside `background.log` with the errors.
    package func background(
        _ arguments: [String], environment: [String: String] = [:], outputTo output: String = "/dev/null"
    ) throws -> DaemonProcess {
        let script = "cd \"$0\" && exec \"$@\""
        let agent = ["PGAF_AGENT": "\(Self.root)/.build-agent/release/pgaf-agent"]
        let variables = agent.merging(environment) { $1 }.map { "\($0.key)=\($0.value)" }
        return try DaemonProcess(
            ["/usr/bin/env"] + variables + ["sh", "-c", script, directory, "\(Self.root)/.build/debug/pgaf-host"]
                + arguments, outputTo: output, errorsTo: "\(directory)/background.log")
    }

    /// Waits until the machine's latest run has begun a step.
    ///
    /// - Returns: the run's id.
    package func waitForStep(_ step: String) async throws -> String {
        let before = try? await host(["events", "--json"], expecting: nil)
        let old = try before.flatMap { try Self.events($0.standardOutput).last?.run }
        return try await Wait(for: "the step \(step)", upTo: .seconds(180), every: .milliseconds(100), hint: "").until {
            let result = try await host(["events", "--json"], expecting: nil)
            let events = try Self.events(result.standardOutput)
            guard let run = events.last?.run, events.contains(where: { $0.body == .stepStarted(step: step) }) else {
                return .notYet(result.standardError)
            }
            // A run that had ended before is another one.
            if run == old, events.last?.body.type == "result" { return .notYet("the run \(run) is over") }
            return .found(run)
        }
    }

    /// The latest run that pgaf-host has recorded in this directory.
    package var recordedRun: String? {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(directory)/.pgaf/runs")) ?? [])
            .filter(RunIdentifier.isOne).max()
    }

    /// What pgaf-host has recorded of its latest run in this directory, so far.
    package func recordedEvents() -> [Event] {
        let text =
            recordedRun.flatMap {
                try? String(contentsOfFile: "\(directory)/.pgaf/runs/\($0)/events.jsonl", encoding: .utf8)
            } ?? ""
        return text.split(separator: "\n").compactMap { try? EventCoding.decode(String($0)) }
    }

    /// Waits until the run that pgaf-host follows has come to an event.
    ///
    /// - Parameter former: the latest run before that one was begun.
    package func waitForEvent(
        _ words: String, after former: String?, upTo deadline: Duration = .seconds(900),
        _ isIt: @Sendable (Event.Body) -> Bool
    ) async throws {
        try await Wait(for: words, upTo: deadline, every: .milliseconds(200), hint: "").until {
            () async throws -> Wait.Observation<Void> in
            guard recordedRun != former else { return .notYet("no new run") }
            let events = recordedEvents()
            if events.contains(where: { isIt($0.body) }) { return .found(()) }
            if case .result(let result) = events.last?.body {
                throw PgafError(
                    .internalError, "The run ended before \(words).", remedy: "", cause: result.error?.message)
            }
            return .notYet("event \(events.count)")
        }
    }

    /// `up` with its events.
    package func up(_ more: [String] = []) async throws -> [Event] {
        try Self.events(try await host(["up", "--progress", "json"] + more).standardOutput)
    }

    /// The lines of a stream of events; what is no event (the summary) begins with another character.
    package static func events(_ text: String) throws -> [Event] {
        try text.split(separator: "\n").filter { $0.hasPrefix("{\"") }.map { try EventCoding.decode(String($0)) }
    }

    /// Ids of the steps that changed something.
    package static func changedSteps(_ events: [Event]) -> [String] {
        events.compactMap { event in
            guard case .stepFinished(let step, .changed, _) = event.body else { return nil }
            return step
        }
    }

    /// Runs a command of this machine.
    package func command(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:], directory: String? = nil
    ) async throws -> CommandResult {
        try await runner.run(
            Command(
                executable, arguments, environment: environment, workingDirectory: directory, deadline: .seconds(900)))
    }

    package func state() async throws -> FormationState {
        let result = try await host(["status", "--json"])
        return try JSONDecoder().decode(FormationState.self, from: Data(result.standardOutput.utf8))
    }

    /// The formation is healthy now, without another wait; what it lacks is in the issue.
    package func expectHealthy(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let state = try await state()
        #expect(state.healthy, "\(state.notes)", sourceLocation: sourceLocation)
    }

    /// Waits until the formation is healthy again; a machine that cannot be asked yet is waited for too.
    package func waitUntilHealthy(_ what: String, upTo deadline: Duration = .seconds(180)) async throws
        -> FormationState
    {
        try await Wait(for: "the formation after \(what)", upTo: deadline, sparing: true, hint: "").until {
            let result = try await host(["status", "--json"], expecting: nil)
            guard result.succeeded else { return .notYet(result.standardOutput + result.standardError) }
            let state = try JSONDecoder().decode(FormationState.self, from: Data(result.standardOutput.utf8))
            return state.healthy ? .found(state) : .notYet(state.notes.joined(separator: "; "))
        }
    }

    /// The same after something broke: healthy for longer than the monitor needs to notice that a node is gone, since it
    /// shows what it knew before until then.
    package func waitUntilHealthyAgain(_ what: String, upTo deadline: Duration = .seconds(300)) async throws
        -> FormationState
    {
        let since = Mutex<ContinuousClock.Instant?>(nil)
        return try await Wait(
            for: "the formation to stay healthy after \(what)", upTo: deadline, every: .seconds(1), hint: ""
        ).until {
            let result = try await host(["status", "--json"], expecting: nil)
            let state = try? JSONDecoder().decode(FormationState.self, from: Data(result.standardOutput.utf8))
            let now = ContinuousClock.now
            let first = since.withLock { first in
                first = state?.healthy == true ? first ?? now : nil
                return first
            }
            guard let state, let first, now - first >= .seconds(8) else {
                return .notYet(state?.notes.joined(separator: "; ") ?? result.standardError)
            }
            return .found(state)
        }
    }

    /// The passwords as pgaf keeps them.
    package func passwords() throws -> [String: String] {
        let data = try Data(contentsOf: URL(filePath: "\(directory)/.pgaf/secrets.json"))
        return try JSONDecoder().decode([String: String].self, from: data)
    }

    /// SQL by this machine's psql through published or forwarded ports, as a client would.
    package func sql(
        _ text: String, database: String = "myappdb", ports: [Int], password: String?, attributes: String = "any",
        timeout: Int = 30
    ) async throws -> CommandResult {
        var environment = [
            "PGHOST": ports.map { _ in "127.0.0.1" }.joined(separator: ","),
            "PGPORT": ports.map(String.init).joined(separator: ","), "PGUSER": "postgres", "PGDATABASE": database,
            "PGTARGETSESSIONATTRS": attributes, "PGSSLMODE": "require", "PGCONNECT_TIMEOUT": "\(timeout)",
            "PGPASSFILE": "/dev/null",
        ]
        environment["PGPASSWORD"] = password
        return try await command("psql", ["-XqAtw", "-v", "ON_ERROR_STOP=1", "-c", text], environment: environment)
    }
}
