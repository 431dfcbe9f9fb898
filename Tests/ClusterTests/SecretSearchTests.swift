import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// Passwords that can be recognised, through a whole life of a cluster and every verb, and then looked for wherever they
    /// have no business.
    @Suite(.serialized) struct SecretSearchTests {
        private let cluster: PgafProject
        private let scratch = ScratchDirectory()
        private let names = ["superuser", "monitor", "replication", "client"]
        private let marks: [String]

        init() throws {
            cluster = try TestCluster.local()
            marks = names.map { _ in "mark-\(RunIdentifier.new())-\(UInt64.random(in: 0...UInt64.max))" }
            for (name, mark) in zip(names, marks) {
                try MachineFiles().write("\(mark)\n", to: "\(scratch.path)/\(name)")
            }
        }

        private var flags: [String] {
            names.flatMap { ["--set", "passwords.\($0)=file:\(scratch.path)/\($0)"] }
                + ["--set", "access.client_user=app"]
        }

        private func has(_ text: String) -> Bool { marks.contains { text.contains($0) } }

        @Test func noPasswordIsWhereItNeedNotBe() async throws {
            _ = try await cluster.host(["destroy", "--yes"])
            let sampler = ProcessSampler(marks)
            _ = try await cluster.host(["up", "--progress", "plain"] + flags)
            // Otherwise nothing that follows would prove anything.
            #expect(has(try await cluster.host(["uri", "--show-password"]).standardOutput))
            try await sayNothing(try await verbs())
            try await sayNothing(try await failures())
            let (looks, places) = sampler.finish()
            #expect(looks > 20, "all processes were looked at \(looks) times only")
            #expect(places.isEmpty, "passwords stand in \(places)")
            try await sayNothing(try await whatContainersShow())
            try await expectNoMarkInFiles()
            _ = try await cluster.host(["destroy", "--yes"])
        }

        private func sayNothing(_ texts: [String: String]) async throws {
            for (place, text) in texts where has(text) { Issue.record("a password stands in the output of \(place)") }
            #expect(texts.values.contains { !$0.isEmpty })
        }

        /// What every verb says, those that change something included.
        private func verbs() async throws -> [String: String] {
            var texts: [String: String] = [:]
            let lines = [
                ["status"], ["status", "--json"], ["uri"], ["uri", "--json"], ["plan"] + flags,
                ["plan", "--json"] + flags,
                ["logs"], ["logs", "--json"], ["events"], ["events", "--json"], ["attach"],
                ["attach", "--progress", "json"],
                ["psql", "--", "-XAtc", "SELECT 1"], ["psql", "--node", "pgaf-test-2", "--", "-XAtc", "SELECT 1"],
                ["ssh", "--", "true"], ["stop"], ["start"], ["up", "--progress", "json"] + flags,
                ["up", "--progress", "ansi"] + flags, ["version"], ["version", "--json"],
            ]
            for line in lines {
                let result = try await cluster.host(line, expecting: nil)
                texts["`\(line.joined(separator: " "))`"] = result.standardOutput + result.standardError
            }
            return texts
        }

        /// What is said when things fail.
        private func failures() async throws -> [String: String] {
            var texts: [String: String] = [:]
            func note(_ place: String, _ line: [String]) async throws {
                for more in [[], ["--progress", "json"]] where line.first == "up" || more.isEmpty {
                    let result = try await cluster.host(line + more, expecting: nil)
                    #expect(!result.succeeded, "\(place)")
                    texts[place + more.joined()] = result.standardOutput + result.standardError
                }
            }
            let listener = ListeningPort()
            try await note("a port in use", ["up"] + flags + ["--set", "monitor.port=\(listener.number)"])
            try MachineFiles().write("\(marks[0])\u{7}\n", to: "\(scratch.path)/bad")
            try await note(
                "a bad password", ["up"] + flags + ["--set", "passwords.superuser=file:\(scratch.path)/bad"])
            try await note("no such file", ["up"] + flags + ["--set", "passwords.monitor=file:\(scratch.path)/none"])
            _ = try await cluster.command("docker", ["stop", TestCluster.monitor])
            try await note("no monitor", ["psql", "--", "-c", "SELECT nonsense"])
            try await note("a run without an image", ["up"] + flags + ["--set", "image.base=127.0.0.1:1/none:1"])
            _ = try await cluster.host(["up"] + flags)
            try await note("a wrong statement", ["psql", "--", "-c", "SELECT nonsense"])
            let agent = "\(PgafProject.root)/.build-agent/release/pgaf-agent"
            for request in ["{\"v\":1,\"secrets\":{\"superuser\":\"\(marks[0])\"}}", "{\"v\":9,\"x\":\"\(marks[0])\"}"]
            {
                let result = try await cluster.runner.run(Command(agent, ["up"], input: Secret(request)))
                #expect(!result.succeeded)
                texts["the agent, asked for nonsense \(request.count)"] = result.standardOutput + result.standardError
            }
            return texts
        }

        private func whatContainersShow() async throws -> [String: String] {
            var texts: [String: String] = [:]
            for name in TestCluster.containers {
                texts["inspect of \(name)"] = try await cluster.command("docker", ["inspect", name]).standardOutput
                let logs = try await cluster.command("docker", ["logs", name])
                texts["logs of \(name)"] = logs.standardOutput + logs.standardError
                texts["volume of \(name)"] = try await cluster.command("docker", ["volume", "inspect", "\(name)_data"])
                    .standardOutput
                texts["processes in \(name)"] = try await cluster.command(
                    "docker", ["top", name, "-eo", "args"]
                ).standardOutput
            }
            texts["the network"] = try await cluster.command("docker", ["network", "inspect", "pgaf_test_net"])
                .standardOutput
            texts["the image's history"] = try await cluster.command(
                "docker", ["history", "--no-trunc", "pgaf/pg_auto_failover:latest"]
            ).standardOutput
            return texts
        }

        /// Images, volumes, logs, journals and temporary files; the stores that have to have the passwords are told apart.
        private func expectNoMarkInFiles() async throws {
            let docker = try await cluster.command("docker", ["info", "--format", "{{.DockerRootDir}}"]).trimmedOutput
            let roots = [docker, "/var/lib/pgaf", "/run/pgaf", "/var/log", "/var/tmp", "/tmp", cluster.directory]
            // What a container sees of its layers is the layers once more.
            let search = Command(
                "grep",
                ["-rlsF", "--binary-files=text", "--devices=skip", "--exclude-dir=merged", "-f", "-"] + roots,
                input: Secret(marks.joined(separator: "\n") + "\n"), deadline: .seconds(600))
            let result = try await cluster.runner.run(search)
            let found = result.standardOutput.split(separator: "\n").map {
                URL(filePath: String($0)).standardizedFileURL.path
            }
            let places = "/var/lib/pgaf/clusters/\(TestCluster.name)"
            let directory = URL(filePath: cluster.directory).standardizedFileURL.path
            func mayHaveIt(_ path: String) -> Bool {
                path == "\(places)/secrets.json" || path == "\(directory)/.pgaf/pgpass"
                    || path.hasPrefix(scratch.path + "/")
                    || path.hasPrefix("\(places)/nodes/") && path.hasSuffix("/secrets/pgpass")
            }
            #expect(found.contains("\(places)/secrets.json"), "the search finds nothing at all")
            #expect(found.filter { !mayHaveIt($0) } == [])
            for path in found where scratch.mode(path) != 0o600 { Issue.record("\(path) may be read by others") }
        }
    }
}
