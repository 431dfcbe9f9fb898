import Foundation
import Shared
import TestSupport
import Testing

@testable import GuestAgent
@testable import HostOrchestrator

extension ClusterSuite {
    /// Everything of the corpus that is taken, read by those for whom it is meant: one server without a network, in a
    /// container of the cluster's image, and one build.
    @Suite(.serialized) struct CorpusClusterTests {
        private static let container = "pgaf-test-corpus"
        private static let image = "pgaf/pg_auto_failover:latest"
        private let runner = SubprocessRunner(limit: 64 << 20)
        private let scratch = ScratchDirectory()
        private var folder: String { "\(scratch.path)/corpus" }

        private func command(_ arguments: [String], input: String? = nil) async throws -> String {
            let result = try await runner.checked(
                Command("docker", arguments, input: input.map { Secret($0) }), remedy: "Look at the container.")
            return result.standardOutput
        }

        private func shell(_ script: String) async throws -> String {
            try await command(["exec", "--interactive", Self.container, "bash", "-eu", "-s"], input: script)
        }

        private func sql(_ text: String) async throws -> [String] {
            let result = try await runner.run(GuestAgent.Psql.command(Self.container, database: "postgres", sql: text))
            #expect(result.succeeded, "\(result.standardError.suffix(2000))")
            return result.standardOutput.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(
                String.init)
        }

        private func write(_ text: String, to name: String) throws {
            try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
        }

        private func hexadecimal(_ text: String) -> String {
            text.utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }

        private func carried(_ file: String, _ key: String) throws -> [String] {
            try Corpus.cases(file, of: [key]).filter(\.isCarried).map(\.text)
        }

        @Test func whatIsTakenArrivesByteForByte() async throws {
            try await ThrowawayMachine.prepareBaseImage()
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            _ = try? await command(["rm", "--force", Self.container])
            _ = try await command([
                "run", "--detach", "--rm", "--init", "--name", Self.container, "--network", "none", "--user",
                "postgres",
                "--env", "PGHOST=/tmp", "--env", "PGDATA=/tmp/data", "--workdir", "/tmp",
                "--mount", "type=bind,src=\(folder),dst=/corpus,readonly", "--entrypoint", "sleep", Self.image,
                "infinity",
            ])
            do {
                let settings = try await startServer()
                try await settingsArrive(settings)
                try await textsArriveInSQL()
                try await rulesAreRead()
                try await everyPasswordLogsIn()
                try await everyNameIsReached()
            } catch {
                Issue.record(error)
            }
            _ = try await command(["rm", "--force", Self.container])
            try await packagesArriveInTheDockerfile()
        }

        /// - Returns: the values of its settings, in their order.
        private func startServer() async throws -> [String] {
            let values = try Corpus.cases("settings.txt").filter(\.isCarried).map(\.text)
            let settings = Dictionary(uniqueKeysWithValues: values.enumerated().map { ("pgaf_corpus.s\($0)", $1) })
            try write(PostgresTuning.text(settings), to: "settings.conf")
            _ = try await shell(
                """
                initdb --username postgres --auth trust --encoding UTF8 --locale C.UTF-8 >/dev/null
                openssl req -new -x509 -nodes -subj /CN=corpus -keyout data/server.key -out data/server.crt 2>/dev/null
                chmod 600 data/server.key
                cat /corpus/settings.conf >>data/postgresql.conf
                pg_ctl --wait --log /tmp/log start \
                    --options '-c unix_socket_directories=/tmp -c listen_addresses=127.0.0.1 -c ssl=on' >/dev/null
                """)
            return values
        }

        private func settingsArrive(_ values: [String]) async throws {
            let read = try await sql(
                values.indices.map {
                    "SELECT encode(convert_to(current_setting('pgaf_corpus.s\($0)'), 'UTF8'), 'hex');\n"
                }.joined())
            #expect(read == values.map(hexadecimal))
        }

        /// Any text but NUL, whether a key takes it or not.
        private func textsArriveInSQL() async throws {
            let texts = try Corpus.texts().filter { !$0.utf8.contains(0) }
            #expect(
                try await sql(
                    texts.map { "SELECT encode(convert_to(\(SQL.literal($0)), 'UTF8'), 'hex');\n" }.joined())
                    == texts.map(hexadecimal))
            let names = texts.filter { (1..<64).contains($0.utf8.count) }
            #expect(
                try await sql(
                    names.map {
                        """
                        CREATE TEMP TABLE one (\(SQL.identifier($0)) int);
                        SELECT encode(convert_to(attname::text, 'UTF8'), 'hex') FROM pg_attribute
                            WHERE attrelid = 'one'::regclass AND attnum = 1;
                        DROP TABLE one;

                        """
                    }.joined()) == names.map(hexadecimal))
        }

        /// Names and ranges in `pg_hba.conf`, as PostgreSQL's own reader sees them.
        private func rulesAreRead() async throws {
            let subnet = try #require(IPv4Network("172.30.7.0/24"))
            // What has no place in that file gets no rule (`HBARulesTests`).
            let users = try Corpus.texts().filter { text in
                !text.isEmpty && !text.hasPrefix("/") && !text.unicodeScalars.contains { $0.value < 32 }
            }
            let ranges = try carried("ranges.txt", "access.client_cidr")
            var access = AccessSettings()
            var rules = ""
            for user in users {
                access.clientUser = user
                rules += HBARules.node(access: access, subnet: subnet, monitor: subnet.address(2))
            }
            access.clientUser = "postgres"
            for range in ranges {
                access.clientCIDR = range
                rules += HBARules.node(access: access, subnet: subnet, monitor: subnet.address(2))
            }
            try write(rules, to: "pg_hba.conf")
            _ = try await shell("cat /corpus/pg_hba.conf >data/pg_hba.conf")
            #expect(try await sql("SELECT error, line_number FROM pg_hba_file_rules WHERE error IS NOT NULL;").isEmpty)
            let read = try await sql(
                """
                SELECT encode(convert_to(array_to_string(user_name, ' '), 'UTF8'), 'hex') || '|' || type || '|'
                    || auth_method || '|' || coalesce(address, '') FROM pg_hba_file_rules ORDER BY line_number;
                """)
            // Seven rules each; the client's is the third.
            #expect(read.count == 7 * (users.count + ranges.count))
            let clients = stride(from: 2, to: read.count, by: 7).map { read[$0] }
            #expect(
                Array(clients.prefix(users.count))
                    == users.map { "\(hexadecimal($0))|hostssl|scram-sha-256|0.0.0.0" })
            let networks = try await sql(
                ranges.map { "SELECT host(\(SQL.literal($0))::inet);\n" }.joined())
            #expect(
                Array(clients.dropFirst(users.count))
                    == networks.map { "\(hexadecimal("postgres"))|hostssl|scram-sha-256|\($0)" })
            try write("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n", to: "pg_hba.conf")
            _ = try await shell("cat /corpus/pg_hba.conf >data/pg_hba.conf; pg_ctl reload >/dev/null")
        }

        private func strings(user: String, database: String = "postgres") -> ConnectionStrings {
            let server = ConnectionStrings.Target(name: "n", endpoint: Endpoint(address: "127.0.0.1", port: 5432))
            return ConnectionStrings(
                nodes: [server], monitor: server, user: user, database: database, monitorUser: "autoctl_node")
        }

        /// By a verifier as the agent makes it, and libpq's password file and URI as the host does.
        private func everyPasswordLogsIn() async throws {
            let passwords = try Corpus.cases("passwords.txt").filter(\.isCarried).map(\.text)
            _ = try await sql(
                passwords.enumerated().map { index, password in
                    let verifier = ScramVerifier.make(Secret(password)).revealed
                    return "CREATE ROLE c\(index) LOGIN PASSWORD \(SQL.literal(verifier));\n"
                }.joined())
            var files = ""
            var script = "install -m 600 /corpus/pgpass /tmp/pgpass\nexport PGPASSFILE=/tmp/pgpass\n"
            for (index, password) in passwords.enumerated() {
                let strings = strings(user: "c\(index)")
                let other = Secret("x")
                files += PasswordFile.text(
                    strings,
                    ClusterSecrets(superuser: other, monitor: other, replication: other, client: Secret(password)))
                let node = strings.nodes[0]
                for uri in [strings.node(node), strings.node(node, password: Secret(password))] {
                    script +=
                        ShellQuoting.commandLine(["psql", "--no-psqlrc", "-w", "-Atc", "SELECT current_user", uri])
                        + " || echo refused\n"
                }
            }
            try write(files, to: "pgpass")
            let answers = try await shell(script).split(separator: "\n").map(String.init)
            #expect(answers == passwords.indices.flatMap { ["c\($0)", "c\($0)"] })
        }

        /// Users and databases by the host's connection strings.
        private func everyNameIsReached() async throws {
            let users = try carried("names.txt", "access.client_user").filter { $0 != "postgres" }
            let databases = try carried("names.txt", "postgres.database")
            let verifier = SQL.literal(ScramVerifier.make(Secret("pw")).revealed)
            _ = try await sql(
                users.map { "CREATE ROLE \(SQL.identifier($0)) LOGIN PASSWORD \(verifier);\n" }.joined()
                    + databases.map { "CREATE DATABASE \(SQL.identifier($0));\n" }.joined())
            let pairs = users.map { ($0, "postgres") } + databases.map { (users[0], $0) }
            let script = pairs.map { user, database in
                let strings = strings(user: user, database: database)
                let uri = strings.node(strings.nodes[0], password: Secret("pw"))
                let query = "SELECT current_user || ' ' || current_database()"
                let words = ["psql", "--no-psqlrc", "-w", "-Atc", query, uri]
                return ShellQuoting.commandLine(words) + " || echo refused\n"
            }
            let answers = try await shell(script.joined()).split(separator: "\n").map(String.init)
            #expect(answers == pairs.map { "\($0.0) \($0.1)" })
        }

        /// The rendered Dockerfile, built from a base image of an odd name whose apt-get writes down what it is asked for.
        private func packagesArriveInTheDockerfile() async throws {
            let base = "reg.example:5000/pgaf-test/b--c__d.e:1.10-rc_1"
            let built = "pgaf-test/corpus:latest"
            let packages = try carried("names.txt", "postgres.packages")
            let fake = """
                FROM \(Self.image)
                RUN printf '#!/bin/sh\\nprintf "%%s\\\\n" "$@" >>/arguments\\n' >/usr/local/sbin/apt-get \\
                 && chmod 755 /usr/local/sbin/apt-get

                """
            _ = try await command(["build", "--network", "none", "--tag", base, "-"], input: fake)
            let files = ImageFiles(base: base, version: 17, packages: packages)
            let context = "\(scratch.path)/build"
            try FileManager.default.createDirectory(atPath: context, withIntermediateDirectories: true)
            try files.dockerfile.write(toFile: "\(context)/Dockerfile", atomically: true, encoding: .utf8)
            try files.entrypoint.write(toFile: "\(context)/entrypoint.sh", atomically: true, encoding: .utf8)
            _ = try await command(
                ImageStep.buildArguments(reference: built, hash: "0", directory: context, network: "none"))
            let asked = try await command([
                "run", "--rm", "--network", "none", "--entrypoint", "cat", built, "/arguments",
            ])
            let wanted = packages.map { $0.replacingBytes(of: "%v", with: "17") }
            #expect(asked.split(separator: "\n").suffix(wanted.count).map(String.init) == wanted)
            _ = try await command(["image", "rm", "--force", built, base])
        }
    }
}
