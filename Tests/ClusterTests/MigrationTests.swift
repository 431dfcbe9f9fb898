import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// The commands by which data goes from the scripts' machine to pgaf's, as they stand at the top of
    /// docs/from-the-scripts.md. Here both are one cluster, which loses a database and a role in between.
    @Suite(.serialized) struct MigrationTests {
        private let cluster: PgafProject
        private static let host = "\(PgafProject.root)/.build/debug/pgaf-host psql"

        init() throws { cluster = try TestCluster.local() }

        /// SQL on whichever node is primary.
        @discardableResult
        private func sql(_ text: String, database: String = "postgres") async throws -> String {
            let result = try await cluster.sql(
                text, database: database, ports: TestCluster.ports, password: try cluster.passwords()["superuser"],
                attributes: "read-write")
            #expect(result.succeeded, "\(text): \(result.standardError)")
            return result.trimmedOutput
        }

        /// - Returns: what a line writes that is typed in a directory.
        @discardableResult
        private func shell(_ line: String, in directory: String, succeeds: Bool = true) async throws -> String {
            let result = try await cluster.command("sh", ["-c", line], directory: directory)
            #expect(result.succeeded == succeeds, "\(line): \(result.standardError)")
            return result.standardOutput
        }

        private func removeTheShop() async throws {
            try await sql("DROP DATABASE IF EXISTS shop WITH (FORCE)")
            try await sql("DROP ROLE IF EXISTS seller")
        }

        /// The page's lines with the names of this cluster.
        private func lines(_ names: [String: String]) throws -> [String] {
            try String(contentsOfFile: "\(PgafProject.root)/docs/from-the-scripts.md", encoding: .utf8)
                .split(separator: "\n").map { line in
                    names.reduce(String(line)) { $0.replacingOccurrences(of: $1.key, with: $1.value) }
                }
        }

        @Test func aDumpComesBackByThePagesCommandsWholeOrNotAtAll() async throws {
            _ = try await cluster.up()
            let state = try await cluster.waitUntilHealthy("the start")
            let primary = try #require(state.nodes.first { $0.reportedState == "primary" }?.name)
            let old = try scratchDirectory()
            defer { try? FileManager.default.removeItem(atPath: old) }
            try await removeTheShop()
            let value = RunIdentifier.new()
            try await sql("CREATE ROLE seller LOGIN PASSWORD 'only-here'")
            try await sql("CREATE DATABASE shop OWNER seller")
            try await sql(
                "SET ROLE seller; CREATE TABLE goods (v text); INSERT INTO goods VALUES ('\(value)')",
                database: "shop")
            let goods = "SELECT tableowner || ' ' || v FROM pg_tables, goods WHERE tablename = 'goods'"
            let verifier = "SELECT rolpassword FROM pg_authid WHERE rolname = 'seller'"
            let before = try await sql(verifier)
            // Roles that other tests have left are here before the restore, as those are that `up` makes.
            let others = try await sql(
                "SELECT string_agg(rolname, '|') FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'seller'")
            let lines = try lines([
                "vagrant ssh": "sh", "/vagrant/": "\(old)/", "OLD/": "\(old)/", "pgnode1": primary,
                "(postgres|": "(\(others)|", "pgaf-host psql": Self.host,
            ])
            let dumps = lines.filter { $0.hasPrefix("sh -c") }
            let check = try #require(lines.first { $0.hasPrefix("grep -L") })
            // Nothing can be restored into the database of the tests, which is full.
            let restores = lines.filter { $0.hasPrefix("\(Self.host) -- -X") && !$0.contains("myappdb") }
            #expect(dumps.count == 4 && restores.count == 3)

            for line in dumps { try await shell(line, in: old) }
            #expect(try await unfinished(check, in: old) == "")
            try await removeTheShop()
            for line in restores { try await shell(line, in: cluster.directory) }
            #expect(try await sql(goods, database: "shop") == "seller \(value)")
            #expect(try await sql(verifier) == before)

            let file = "\(old)/shop.sql"
            let dump = try String(contentsOfFile: file, encoding: .utf8)
            try String(dump.prefix(dump.count / 2)).write(toFile: file, atomically: true, encoding: .utf8)
            #expect(try await unfinished(check, in: old) == "shop.sql\n")
            try await sql("DROP TABLE goods", database: "shop")
            try (dump + "SELECT broken;\n").write(toFile: file, atomically: true, encoding: .utf8)
            try await shell(try #require(restores.last), in: cluster.directory, succeeds: false)
            #expect(try await sql("SELECT to_regclass('goods') IS NULL", database: "shop") == "t")
            try await removeTheShop()
            try await cluster.expectHealthy()
        }

        /// What `grep -L` names; its releases differ in the status that they end with.
        private func unfinished(_ check: String, in directory: String) async throws -> String {
            try await cluster.command("sh", ["-c", check], directory: directory).standardOutput
        }
    }
}
