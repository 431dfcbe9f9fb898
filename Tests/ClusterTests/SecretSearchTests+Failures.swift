import Foundation
import HostOrchestrator
import Shared
import TestSupport
import Testing

/// What is said when things fail.
extension ClusterSuite.SecretSearchTests {
    func failing() async throws -> [Said] {
        var said = try await pgaf(Self.refused, failing: "which is refused")
        said += try await passwordsThatCannotBeHad()
        said += try await passwordsInTheWrongPlace()
        said += try await aStoreThatIsDamaged()
        said += try await aClusterThatIsBroken()
        said += try await nonsenseForTheAgent()
        return said
    }

    private static let refused: [[String]] = [
        ["status", "--config", "none.yaml"], ["status", "--json", "--config", "none.yaml"],
        ["doctor", "--json", "--config", "none.yaml"], ["watch", "--config", "none.yaml"],
        ["watch", "--json", "--config", "none.yaml"], ["init"],
        ["uri", "nobody"], ["psql", "--node", "nobody"], ["attach", "nobody"],
        ["logs", "nobody"], ["logs", "nobody", "--json"], ["events", "nobody"], ["events", "nobody", "--json"],
        ["switchover", "--to", "nobody"], ["switchover", "--to", "nobody", "--json"],
        ["failover", "--node", "nobody"], ["failover", "--node", "nobody", "--json"],
        ["maintenance", "enable", "nobody"], ["maintenance", "disable", "nobody", "--json"],
        ["passwords", "rotate", "superuser"], ["passwords", "rotate", "nobody"],
        ["up", "--nodes", "17"], ["up", "--fresh"], ["up", "--purge"], ["destroy"],
        ["up", "--bundle", "none.tar"], ["up", "--bundle", "pgaf.yaml"],
        ["bundle", "create", "--set", "packages.source=pgdg"],
    ]

    private static let ups = [["up"], ["up", "--progress", "json"]]

    /// Verbs that need the passwords.
    private static let needing = ups + [["plan", "--json"], ["psql"], ["uri", "--show-password", "--json"]]

    private func passwordsThatCannotBeHad() async throws -> [Said] {
        let bad = try passwords.put("\(passwords.superuser)\u{7}\n", in: "bad")
        let variable = MarkedPasswords.variable
        let kept = passwords.path("replication")
        let troubles: [(setting: String, environment: [String: String]?)] = [
            ("superuser=file:\(bad)", nil),
            ("superuser=file:\(passwords.path("none"))", nil),
            ("monitor=env:\(variable)", [:]),
            ("monitor=env:\(variable)", [variable: "\(passwords.monitor)\u{7}"]),
            ("replication=command:cat \(bad)", nil),
            ("replication=command:cat \(kept); cat \(kept) >&2; exit 3", nil),
        ]
        var said: [Said] = []
        for (setting, environment) in troubles {
            said += try await pgaf(
                Self.needing, with: passwords.flags + ["--set", "passwords.\(setting)"], failing: setting,
                environment: environment)
        }
        return said
    }

    private func passwordsInTheWrongPlace() async throws -> [Said] {
        let mark = passwords.superuser
        let texts = [
            "passwords: {superuser: \(mark)}", "passwords: {superusers: \(mark)}", "passwords: \(mark)",
            "passwords: [\(mark)]", "passwords: {superuser: \"\(mark)",
            "passwords: {client: generate, client: \(mark)}",
            "packages: {proxy: \"http://user:\(mark)@127.0.0.1:1\"}",
            "packages: {mirrors: {debian: \"http://user:\(mark)@127.0.0.1:1/debian\"}}",
        ]
        var said: [Said] = []
        for (index, text) in texts.enumerated() {
            let file = try passwords.put("\(text)\n", in: "wrong-\(index).yaml")
            said += try await pgaf(
                [["plan", "--config", file], ["status", "--json", "--config", file]],
                failing: "a password in the wrong place")
        }
        said += try await pgaf(
            [["up"], ["plan", "--json"]], failing: "a password in a variable of pgaf's own",
            environment: ["PGAF_PASSWORDS_MONITOR": passwords.monitor])
        return said
    }

    private func aStoreThatIsDamaged() async throws -> [Said] {
        let store = ProjectDirectory(path: cluster.directory).secrets
        let whole = try #require(try MachineFiles().read(store))
        defer { try? MachineFiles().write(whole, to: store) }
        try MachineFiles().write(String(whole.dropLast(3)), to: store)
        return try await pgaf(Self.needing, with: passwords.flags, failing: "a damaged store")
    }

    private func aClusterThatIsBroken() async throws -> [Said] {
        let listener = ListeningPort()
        let taken = passwords.flags + ["--set", "monitor.port=\(listener.number)"]
        var said = try await pgaf(Self.ups, with: taken, failing: "a port in use")
        withExtendedLifetime(listener) {}
        let wrong = passwords.flags + ["--set", "passwords.client=file:\(passwords.path("superuser"))"]
        said += try await pgaf([["psql", "--", "-c", "SELECT 1"]], with: wrong, failing: "a wrong password")

        let stop = try await cluster.command("docker", ["stop", TestCluster.monitor])
        #expect(stop.succeeded, "\(stop.standardError)")
        said += try await pgaf([["status"], ["status", "--json"], ["doctor"], ["doctor", "--json"]])
        said += try await pgaf(
            [
                ["switchover"], ["switchover", "--json"], ["failover"], ["failover", "--json"],
                ["maintenance", "enable", TestCluster.nodes[0], "--json"],
            ], failing: "no monitor")
        let image = passwords.flags + ["--set", "image.base=127.0.0.1:1/\(witness):1"]
        said += try await pgaf(Self.ups, with: image, failing: "no such image")
        said += try await pgaf([["attach"], ["attach", "--progress", "json"]], failing: "no such image")
        said += try await pgaf([["events"], ["events", "--json"]])

        said += try await pgaf([["up"]], with: passwords.flags)
        said += try await pgaf([["psql", "--", "-c", "SELECT \(witness)"]], failing: "a wrong statement")
        return said
    }

    private func nonsenseForTheAgent() async throws -> [Said] {
        let mark = passwords.superuser
        var said: [Said] = []
        for verb in ["up", "plan"] {
            for request in ["{\"v\":1,\"secrets\":{\"superuser\":\"\(mark)\"}}", "{\"v\":9,\"x\":\"\(mark)\"}", mark] {
                let result = try await cluster.runner.run(Command(Self.agent, [verb], input: Secret(request)))
                #expect(!result.succeeded)
                said.append(Said("the agent's `\(verb)`, asked for nonsense", result))
            }
        }
        return said
    }
}
