import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// Certificates of the user's own instead of those that the cluster makes.
    @Suite(.serialized) struct SuppliedCertificatesTests {
        private let cluster: PgafProject
        private let scratch = ScratchDirectory()

        init() throws { cluster = try TestCluster.local() }

        private func openssl(_ arguments: [String]) async throws {
            _ = try await cluster.runner.checked(
                Command("openssl", arguments, workingDirectory: scratch.path, deadline: .seconds(60)), remedy: "")
        }

        private func makeAuthority() async throws {
            try await openssl([
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj", "/CN=authority of a test", "-keyout", "ca.key", "-out", "ca.crt",
            ])
        }

        /// Key and certificate of a container, signed by the test's own authority.
        private func makeCertificate(_ name: String, for names: [String]) async throws {
            try "subjectAltName = \(names.joined(separator: ", "))\n".write(
                toFile: "\(scratch.path)/\(name).cnf", atomically: true, encoding: .utf8)
            try await openssl([
                "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=\(name)",
                "-keyout", "\(name).key", "-out", "\(name).csr",
            ])
            try await openssl([
                "x509", "-req", "-in", "\(name).csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                "20", "-extfile", "\(name).cnf", "-out", "\(name).crt",
            ])
        }

        /// What a client that verifies everything gets from each node.
        private func verify(with authority: String) async throws -> [String] {
            let password = try #require(try cluster.passwords()["superuser"])
            var answers: [String] = []
            for port in TestCluster.ports {
                let result = try await cluster.command(
                    "psql", ["-XqAtw", "-c", "SELECT 1"],
                    environment: [
                        "PGHOST": "127.0.0.1", "PGPORT": "\(port)", "PGUSER": "postgres", "PGDATABASE": "myappdb",
                        "PGPASSWORD": password, "PGSSLMODE": "verify-full", "PGSSLROOTCERT": authority,
                    ])
                answers.append(result.trimmedOutput)
            }
            return answers
        }

        @Test func theyAreCheckedUsedAndGivenUpWithoutARestart() async throws {
            _ = try await cluster.up()
            let before = try await TestCluster.identifiers(cluster)
            try await makeAuthority()
            for name in TestCluster.containers {
                try await makeCertificate(name, for: ["DNS:\(name)", "IP:127.0.0.1"])
            }
            // One that clients could not use, and one with another node's key.
            try await makeCertificate("pgaf-test-2", for: ["DNS:pgaf-test-2"])
            let key = "\(scratch.path)/pgaf-test-3.key"
            let own = try String(contentsOfFile: key, encoding: .utf8)
            try String(contentsOfFile: "\(scratch.path)/pgaf-test-1.key", encoding: .utf8)
                .write(toFile: key, atomically: true, encoding: .utf8)
            let flags = ["--set", "access.certificates=\(scratch.path)"]
            let refused = try await cluster.host(["up", "--progress", "none"] + flags, expecting: nil)
            #expect(refused.status != 0)
            for words in [
                "pgaf-test-2.crt: it is not for 127.0.0.1", "pgaf-test-3.key: it is not the key of pgaf-test-3.crt",
            ] { #expect(refused.standardError.contains(words), "\(refused.standardError)") }
            #expect(try await verify(with: "\(cluster.directory)/.pgaf/ca.crt") == ["1", "1", "1"])

            try await makeCertificate("pgaf-test-2", for: ["DNS:pgaf-test-2", "IP:127.0.0.1"])
            try own.write(toFile: key, atomically: true, encoding: .utf8)
            let events = try await cluster.up(flags)
            #expect(PgafProject.changedSteps(events).contains("certificates"))
            #expect(try await verify(with: "\(scratch.path)/ca.crt") == ["1", "1", "1"])
            #expect(try await TestCluster.identifiers(cluster) == before)
            let state = try await cluster.state()
            #expect(state.healthy, "\(state.notes)")
            // They last twenty days, and nobody but their owner can make others.
            #expect(state.warnings?.count == 5, "\(state.warnings ?? [])")
            #expect(state.warnings?.allSatisfy { $0.contains("put another one into \(scratch.path)") } == true)
            #expect(PgafProject.changedSteps(try await cluster.up(flags)) == [])

            _ = try await cluster.up()
            #expect(try await verify(with: "\(scratch.path)/ca.crt") == ["", "", ""])
            #expect(try await verify(with: "\(cluster.directory)/.pgaf/ca.crt") == ["1", "1", "1"])
            #expect(try await TestCluster.identifiers(cluster) == before)
            try await cluster.expectHealthy()
        }
    }
}
