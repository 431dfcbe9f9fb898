import Foundation
import Shared
import TestSupport
import Testing

/// What the verbs say when all goes well.
extension ClusterSuite.SecretSearchTests {
    /// Those that only look.
    func looking() async throws -> [Said] {
        let node = TestCluster.nodes[0]
        var lines: [[String]] = [
            ["version"], ["version", "--json"], ["doctor"], ["doctor", "--json"],
            ["init", "--config", passwords.path("example.yaml")],
            ["status"], ["status", "--json"], ["uri"], ["uri", "--json"], ["uri", "cluster"], ["uri", node],
            ["logs"], ["logs", "--json"], ["logs", node], ["ssh", "--", "true"],
            ["events"], ["events", "--json"], ["events", "--follow", "--since", "1"],
            ["attach"], ["attach", "--progress", "json"],
        ]
        lines += [["psql"], ["psql", "--node", node], ["psql", "--node", TestCluster.monitor]].map {
            $0 + ["--", "-XAtc", "SELECT 1"]
        }
        let plans = [["plan"], ["plan", "--json"], ["plan", "--purge"]]
        return try await pgaf(lines) + pgaf(plans, with: passwords.flags)
    }

    /// Those that change something, while others watch.
    func changing() async throws -> [Said] {
        // The first has the witness in its arguments for long enough to be sampled.
        let watches = [["watch", "--set", "postgres.database=\(witness)"], ["watch", "--json"]]
        var said = try await watched(watches, hostInBackground) {
            var said = try await pgaf([["switchover", "--json"], ["failover", "--json"], ["attach"]])
            let standby = try #require(
                try await cluster.state().nodes.first { $0.reportedState == "secondary" }?.name)
            said += try await pgaf([
                ["maintenance", "enable", standby, "--json"], ["maintenance", "disable", standby],
                ["passwords", "rotate"],
            ])
            return said
        }
        said += try await pgaf([["stop"], ["start"]])
        said += try await pgaf([["up", "--json"], ["up", "--progress", "ansi"]], with: passwords.flags)
        return said
    }

    /// What is said meanwhile by some programs that watch until a signal ends them.
    ///
    /// - Parameters:
    ///   - whose: stands before the line in the place's name.
    ///   - end: the signal, and with which status it ends each of them.
    ///   - begin: starts one, with its output in a file.
    private func watched(
        _ lines: [[String]], by whose: String = "", until end: (signal: Int32, status: Int32) = (SIGINT, 0),
        _ begin: ([String], String) throws -> DaemonProcess, while work: () async throws -> [Said]
    ) async throws -> [Said] {
        let watches = try lines.map { line in
            let file = passwords.path("watch-\(RunIdentifier.new())")
            return (line: line, file: file, program: try begin(line, file))
        }
        defer { for watch in watches { watch.program.end() } }
        var said = try await work()
        for watch in watches {
            kill(watch.program.pid, end.signal)
            #expect(watch.program.wait() == end.status)
            let text = passwords.scratch.text(watch.file)
            #expect(!text.isEmpty)
            said.append(Said(place: "\(whose)`\(watch.line.joined(separator: " "))`", text: text))
        }
        return said
    }

    /// The agent's, to somebody on the machine.
    func agentAlone() async throws -> [Said] {
        let named = ["--cluster", TestCluster.name]
        var lines = [["version"], ["follow"], ["follow", "--json"]]
        lines += [["status"], ["status", "--json"], ["logs"], ["logs", "--json"]].map { $0 + named }
        // Nothing goes on that could be cancelled.
        lines.append(["cancel"])
        let alone = ["--config", "pgaf.yaml"] + passwords.flags
        lines += [["plan"], ["plan", "--json"], ["up"], ["up", "--json"]].map { $0 + alone }
        let said = try await agent(lines)
        let watches = [["watch"], ["watch", "--json"]].map { $0 + named }
        // It handles no signal itself.
        let end = (signal: SIGTERM, status: 128 + SIGTERM)
        return try await said
            + watched(watches, by: "the agent's ", until: end, agentInBackground) { try await agentChanging(named) }
    }

    /// Nobody crashes here: the host's verbs have done that.
    private func agentChanging(_ named: [String]) async throws -> [Said] {
        let orders = [["switchover"], ["failover", "--order", "--json"]]
        let said = try await agent(orders.map { $0 + named })
        let standby = try #require(try await cluster.state().nodes.first { $0.reportedState == "secondary" }?.name)
        let lines = [
            ["maintenance", "enable", standby], ["maintenance", "disable", standby, "--json"], ["stop", "--json"],
            ["start"],
        ]
        return try await said + agent(lines.map { $0 + named })
    }

    private func hostInBackground(_ line: [String], _ file: String) throws -> DaemonProcess {
        try cluster.background(line, outputTo: file)
    }

    private func agentInBackground(_ line: [String], _ file: String) throws -> DaemonProcess {
        try DaemonProcess([Self.agent] + line, outputTo: file, errorsTo: file)
    }

    /// The agent's verbs one after another.
    private func agent(_ lines: [[String]]) async throws -> [Said] {
        var said: [Said] = []
        for line in lines {
            let result = try await cluster.command(
                Self.agent, line, environment: passwords.environment, directory: cluster.directory)
            let place = "the agent's `\(line.prefix(2).joined(separator: " "))`"
            // With 2 ends a plan that has something to do.
            #expect(
                result.succeeded || line[0] == "plan" && result.status == 2,
                "\(place) ended with \(result.status): \(result.standardError)")
            said.append(Said(place, result))
        }
        return said
    }
}
