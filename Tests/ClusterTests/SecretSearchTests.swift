import Foundation
import HostOrchestrator
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// Passwords that can be recognised, from every kind of source, and the key of the cluster's authority, through a whole
    /// life of a cluster, every verb and many failures, and then looked for wherever they have no business.
    ///
    /// A witness, which is no secret, is put where they must not be: a search that does not find it there proves nothing.
    @Suite(.serialized) struct SecretSearchTests {
        let cluster: PgafProject
        let passwords: MarkedPasswords
        /// Can be a database, a column and an image.
        let witness = "witness\(UInt64.random(in: 0...UInt64.max))"
        /// Where the machine keeps what it knows of the cluster.
        let memory = "/var/lib/pgaf/clusters/\(TestCluster.name)"

        /// The one file that has the authority's key.
        var authority: String { "\(memory)/certificates/authority.pem" }

        static let agent = "\(PgafProject.root)/.build-agent/release/pgaf-agent"

        init() throws {
            cluster = try TestCluster.local()
            passwords = try MarkedPasswords()
        }

        @Test func noPasswordIsWhereItNeedNotBe() async throws {
            try await cluster.host(["destroy", "--yes"])
            try passwords.remember(in: cluster.directory)
            let start = Int(Date().timeIntervalSince1970)
            let sampler = ProcessSampler(passwords.all + [witness])
            var said = try await pgaf([["up", "--progress", "plain"]], with: passwords.flags)
            let key = try authorityKey()
            sampler.add(key)
            try await expectThatTheyAreUsed()
            try await putWitnessIntoALog()
            said += try await looking()
            said += try await changing()
            said += try await failing()
            said += try await agentAlone()
            expectNoneInProcesses(sampler, key: key)
            said += try await engine(since: start)
            // The client's is another one since it was rotated.
            let rotated = try #require(try cluster.passwords()["client"])
            #expect(rotated != passwords.client)
            let words = passwords.all + [rotated, key]
            try await expectNoneInContainers(words)
            try await expectNoneInTheImage(words)
            try await expectNoneInTheJournal(words, since: start)
            try await expectNoneInFiles(words, key: key)
            said += try await pgaf([["destroy", "--yes"]])
            expectNone(of: words, in: said)
        }

        /// A line that has the secret itself: the first one of the key.
        private func authorityKey() throws -> String {
            let first = /-----BEGIN [A-Z ]*PRIVATE KEY-----\n([A-Za-z0-9+\/]{64})\n/
            let line = passwords.scratch.text(authority).firstMatch(of: first).map { String($0.1) }
            return try #require(line, "\(authority) has no key")
        }

        /// What a program said.
        struct Said {
            var place: String
            var text: String
        }

        /// What pgaf-host says to each of some lines, and keeps in its logs: those of old runs are removed by new ones.
        ///
        /// - Parameters:
        ///   - more: flags that follow the verb.
        ///   - reason: why it has to fail; nil where it has to succeed.
        ///   - environment: what it has besides the test's own; nil means what the passwords need.
        func pgaf(
            _ lines: [[String]], with more: [String] = [], failing reason: String? = nil,
            environment: [String: String]? = nil
        ) async throws -> [Said] {
            var said: [Said] = []
            for line in lines {
                let place = "`\(line.joined(separator: " "))`" + (reason.map { ", \($0)" } ?? "")
                let former = cluster.recordedRun
                let result = try await host(
                    Array(line.prefix(1)) + more + Array(line.dropFirst()), environment ?? passwords.environment)
                #expect(
                    result.succeeded == (reason == nil),
                    "\(place) ended with \(result.status): \(result.standardError)")
                said.append(Said(place, result))
                if let run = cluster.recordedRun, run != former { said += try logs(of: run, place) }
            }
            return said
        }

        private func logs(of run: String, _ place: String) throws -> [Said] {
            let directory = ProjectDirectory(path: cluster.directory).run(run)
            return try MachineFiles().list(directory).map { file in
                Said(place: "\(file) of \(place)", text: try MachineFiles().read("\(directory)/\(file)") ?? "")
            }
        }

        private func host(_ arguments: [String], _ environment: [String: String]) async throws -> CommandResult {
            try await cluster.runner.run(
                Command(
                    "\(PgafProject.root)/.build/debug/pgaf-host", arguments,
                    environment: environment.merging(["PGAF_AGENT": Self.agent]) { $1 },
                    workingDirectory: cluster.directory, deadline: .seconds(3000)))
        }

        /// Otherwise nothing that follows would prove anything.
        private func expectThatTheyAreUsed() async throws {
            let kept = passwords.scratch.text("\(memory)/secrets.json")
            let areKept = passwords.all.allSatisfy { kept.contains($0) }
            #expect(areKept, "a password is not from where it was to come")
            let shown = try await host(["uri", "--show-password"], passwords.environment).standardOutput
            let areShown = [passwords.client, passwords.monitor].allSatisfy { shown.contains($0) }
            #expect(areShown)
            let told = passwords.commandsEnvironment
            let (isTold, isToldMore) = (told.contains("PATH="), told.contains(passwords.monitor))
            #expect(isTold && !isToldMore, "the command that gives a password has another one in its environment")
        }

        /// As if the node had written it.
        private func putWitnessIntoALog() async throws {
            let echo = try await cluster.command(
                "docker",
                ["exec", "--user", "root", TestCluster.nodes[0], "sh", "-c", "echo \(witness) >/proc/1/fd/1"])
            #expect(echo.succeeded, "\(echo.standardError)")
        }

        private func expectNoneInProcesses(_ sampler: ProcessSampler, key: String) {
            let (looks, places) = sampler.finish()
            #expect(looks > 20, "all processes were looked at \(looks) times only")
            let seen = places[witness] ?? []
            #expect(seen.contains("cmdline of pgaf-host"))
            // Who hands a password over by a variable has it there; nothing that pgaf starts has, the agent at work included.
            let inherited = places[passwords.monitor] ?? []
            let work = "environ of pgaf-agent work"
            let callers = inherited.filter { $0.hasPrefix("environ of pgaf-agent ") && $0 != work }
            let others = inherited.subtracting(callers)
            #expect(callers.contains("environ of pgaf-agent up") && others == ["environ of pgaf-host"], "\(inherited)")
            let elsewhere = [passwords.superuser, passwords.replication, passwords.client, key]
                .reduce(into: Set<String>()) { $0.formUnion(places[$1] ?? []) }
            #expect(elsewhere.isEmpty, "secrets stand in \(elsewhere.sorted())")
        }

        private func expectNone(of words: [String], in said: [Said]) {
            for one in said where words.contains(where: { one.text.contains($0) }) {
                Issue.record("a secret stands in the output of \(one.place)")
            }
            let told = Set(said.filter { $0.text.contains(witness) }.map(\.place))
            let expected: Set = [
                "`logs`", "`logs --json`", "`events --json`", "`up`, no such image", "`attach`, no such image",
                "events.jsonl of `up`, no such image", "`psql -- -c SELECT \(witness)`, a wrong statement",
                "docker logs \(TestCluster.nodes[0])",
            ]
            #expect(told.isSuperset(of: expected), "the witness does not stand in \(expected.subtracting(told))")
        }
    }
}

extension ClusterSuite.SecretSearchTests.Said {
    init(_ place: String, _ result: CommandResult) {
        self.init(place: place, text: result.standardOutput + result.standardError)
    }
}
