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
        var said = try await watched {
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

    /// What is said meanwhile by `watch`, which ends with Ctrl-C.
    private func watched(_ work: () async throws -> [Said]) async throws -> [Said] {
        // The first has the witness in its arguments for long enough to be sampled.
        let lines = [["watch", "--set", "postgres.database=\(witness)"], ["watch", "--json"]]
        let watches = try lines.enumerated().map { index, line in
            let file = passwords.path("watch-\(index)")
            return (line: line, file: file, program: try cluster.background(line, outputTo: file))
        }
        defer { for watch in watches { watch.program.end() } }
        var said = try await work()
        for watch in watches {
            kill(watch.program.pid, SIGINT)
            #expect(watch.program.wait() == 0)
            let text = passwords.scratch.text(watch.file)
            #expect(!text.isEmpty)
            said.append(Said(place: "`\(watch.line.joined(separator: " "))`", text: text))
        }
        return said
    }

    /// The agent's, to somebody on the machine.
    func agentAlone() async throws -> [Said] {
        var lines = [["version"], ["follow"], ["follow", "--json"]]
        lines += [["status"], ["status", "--json"], ["logs"], ["logs", "--json"]].map {
            $0 + ["--cluster", TestCluster.name]
        }
        let alone = ["--config", "pgaf.yaml"] + passwords.flags
        lines += [["plan"], ["plan", "--json"], ["up"], ["up", "--json"]].map { $0 + alone }
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
