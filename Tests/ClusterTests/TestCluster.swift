import Foundation
import Shared
import TestSupport
import Testing

extension Tag {
    /// Needs root (or sudo) and a Docker engine, and takes minutes.
    @Tag static var cluster: Self
}

/// A cluster of the tests' own: other names and ports than the defaults, so that a developer's cluster is left alone.
struct TestCluster: Sendable {
    static let name = "pgaf-test"
    static let monitor = "pgaf-test-monitor"
    static let nodes = ["pgaf-test-1", "pgaf-test-2", "pgaf-test-3"]
    static let ports = [17001, 17002, 17003]
    static let monitorPort = 17430
    static var containers: [String] { [monitor] + nodes }

    /// The project directory, made by `init`.
    let directory: String
    let runner = SubprocessRunner()

    /// - Parameter machine: the `machine` part of pgaf.yaml, indented by two spaces.
    init(directory: String, machine: String, extra: String = "") throws {
        self.directory = directory
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let nodes = zip(Self.nodes, Self.ports).map { "  - {name: \($0), port: \($1)}" }.joined(separator: "\n")
        let text = """
            cluster: \(Self.name)
            machine:
            \(machine)
            packages: {source: debian}
            network: {name: pgaf_test_net}
            monitor: {name: \(Self.monitor), port: \(Self.monitorPort)}
            pooler: {port: 17432}
            nodes:
            \(nodes)
            failover: {profile: fast}
            \(extra)
            """
        try text.write(toFile: "\(directory)/pgaf.yaml", atomically: true, encoding: .utf8)
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// Runs the real pgaf-host in the project directory.
    @discardableResult
    func host(_ arguments: [String], expecting status: Int32? = 0) async throws -> CommandResult {
        let agent = "\(Self.root)/.build-agent/release/pgaf-agent"
        guard FileManager.default.isExecutableFile(atPath: agent) else {
            throw PgafError(.agentMissing, "\(agent) is not there.", remedy: "Run `make agent`.")
        }
        let result = try await runner.run(
            Command(
                "\(Self.root)/.build/debug/pgaf-host", arguments, environment: ["PGAF_AGENT": agent],
                workingDirectory: directory, deadline: .seconds(1800)))
        if let status, result.status != status {
            Issue.record("pgaf-host \(arguments) ended with \(result.status): \(result.standardError)")
        }
        return result
    }

    /// `up` with its events.
    func up(_ more: [String] = []) async throws -> [Event] {
        let result = try await host(["up", "--progress", "json"] + more)
        return try Self.events(result.standardOutput)
    }

    /// The lines of a stream of events; what is no event (the summary) begins with another character.
    static func events(_ text: String) throws -> [Event] {
        try text.split(separator: "\n").filter { $0.hasPrefix("{\"") }.map { try EventCoding.decode(String($0)) }
    }

    /// Runs a command of the machine and returns what it prints.
    func command(_ executable: String, _ arguments: [String], environment: [String: String] = [:]) async throws
        -> CommandResult
    {
        try await runner.run(Command(executable, arguments, environment: environment, deadline: .seconds(120)))
    }

    func state() async throws -> FormationState {
        let result = try await host(["status", "--json"])
        return try JSONDecoder().decode(FormationState.self, from: Data(result.standardOutput.utf8))
    }

    /// Waits until the formation is healthy again.
    func waitUntilHealthy(_ what: String) async throws -> FormationState {
        try await Wait(for: "the formation after \(what)", upTo: .seconds(180), every: .seconds(1), hint: "").until {
            let state = try await state()
            return state.healthy ? .found(state) : .notYet(state.notes.joined(separator: "; "))
        }
    }

    /// Container ids by name.
    func identifiers() async throws -> [String: String] {
        var found: [String: String] = [:]
        for name in Self.containers {
            found[name] = try await command("docker", ["container", "inspect", "--format", "{{.Id}}", name])
                .trimmedOutput
        }
        return found
    }

    /// The passwords as pgaf keeps them.
    func passwords() throws -> [String: String] {
        let data = try Data(contentsOf: URL(filePath: "\(directory)/.pgaf/secrets.json"))
        return try JSONDecoder().decode([String: String].self, from: data)
    }

    /// SQL by the machine's psql through published ports, as a client would.
    func sql(_ text: String, ports: [Int], password: String?, attributes: String = "any") async throws -> CommandResult
    {
        var environment = [
            "PGHOST": ports.map { _ in "127.0.0.1" }.joined(separator: ","),
            "PGPORT": ports.map(String.init).joined(separator: ","), "PGUSER": "postgres", "PGDATABASE": "myappdb",
            "PGTARGETSESSIONATTRS": attributes, "PGSSLMODE": "require", "PGCONNECT_TIMEOUT": "10",
            "PGPASSFILE": "/dev/null",
        ]
        environment["PGPASSWORD"] = password
        return try await command("psql", ["-XqAtw", "-v", "ON_ERROR_STOP=1", "-c", text], environment: environment)
    }
}
