import Foundation
import Shared
import TestSupport
import Testing

@testable import GuestAgent

extension ClusterSuite {
    /// Certificates of the user's own instead of those that the cluster makes, and one of the cluster's that ends soon.
    @Suite(.serialized) struct CertificatesTests {
        private let cluster: PgafProject
        private let scratch = ScratchDirectory()

        init() throws { cluster = try TestCluster.local() }

        @discardableResult
        private func openssl(_ arguments: [String], input: String? = nil) async throws -> String {
            let command = Command(
                "openssl", arguments, input: input.map { Secret($0) }, workingDirectory: scratch.path,
                deadline: .seconds(60))
            return try await cluster.runner.checked(command, remedy: "").standardOutput
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

        /// Where the machine keeps what it knows of the cluster.
        private static let memory = "/var/lib/pgaf/clusters/\(TestCluster.name)"

        /// The time comes when a container's certificate has five days left: it is another one of the cluster's own
        /// authority, for the same names, in its place on the machine and handed to the server as the agent does it.
        private func age(_ name: String) async throws {
            let directory = "\(Self.memory)/certificates"
            let (own, authority) = ("\(directory)/\(name).cnf", "\(directory)/authority.pem")
            try await openssl(["ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "old.key"])
            try await openssl(["req", "-new", "-sha256", "-key", "old.key", "-config", own, "-out", "old.csr"])
            try await openssl([
                "x509", "-req", "-sha256", "-in", "old.csr", "-CA", authority, "-CAkey", authority, "-set_serial",
                "\(UInt32.random(in: 1...UInt32.max))", "-days", "5", "-extfile", own, "-extensions", "extensions",
                "-out", "old.crt",
            ])
            let both = scratch.text("\(scratch.path)/old.key") + scratch.text("\(scratch.path)/old.crt")
            for file in ["certificates/\(name).pem", "nodes/\(name)/secrets/server.pem"] {
                try MachineFiles().write(both, to: "\(Self.memory)/\(file)")
            }
            let owner = ["-o", "postgres", "-g", "postgres", "-m", "0600"]
            let install = ["install"] + owner + [ContainerLayout.secrets + "/server.pem", ContainerLayout.runtime]
            let reload = ["psql", "-XAtqd", "postgres", "-c", "SELECT pg_reload_conf()"]
            for (user, words) in [("root", install), ("postgres", reload)] {
                let done = try await cluster.command("docker", ["exec", "--user", user, name] + words)
                #expect(done.succeeded, "\(done.standardError)")
            }
        }

        /// The last second of the certificate that a node shows to whoever connects, as text that sorts; it has to be for
        /// the address and of the cluster's authority.
        private func lastSecond(_ port: Int) async throws -> String {
            let shown = try await openssl([
                "s_client", "-starttls", "postgres", "-connect", "127.0.0.1:\(port)", "-CAfile",
                "\(cluster.directory)/.pgaf/ca.crt", "-verify_ip", "127.0.0.1", "-verify_return_error",
            ])
            return try await openssl(["x509", "-noout", "-enddate", "-dateopt", "iso_8601"], input: shown).trimmed
        }

        @Test func aCertificateAboutToEndIsRenewedWhileAClientWrites() async throws {
            _ = try await cluster.up()
            let before = try await cluster.waitUntilHealthy("the start")
            let containers = try await TestCluster.identifiers(cluster)
            let primary = try #require(before.nodes.first { $0.reportedState == "primary" })
            let port = try #require(primary.publishedPort)
            let password = try cluster.passwords()["superuser"]
            func started() async throws -> String {
                try await cluster.sql("SELECT pg_postmaster_start_time()", ports: [port], password: password)
                    .trimmedOutput
            }
            let (start, first) = (try await started(), try await lastSecond(port))
            try await age(primary.name)
            let soon = try await Wait(for: "the server to show it", upTo: .seconds(30), hint: "").until {
                let shown = try await lastSecond(port)
                return shown < first ? .found(shown) : .notYet(shown)
            }
            let warning = "The certificate of \(primary.name) ends in 4 days: `pgaf-host up` makes another one."
            #expect(try await cluster.state().warnings == [warning])
            for verb in ["status", "doctor"] {
                let text = try await cluster.host([verb]).standardOutput
                #expect(text.contains(warning), "\(verb): \(text)")
            }

            let events = try await cluster.whileWritten("a renewed certificate") { try await cluster.up() }.value
            #expect(PgafProject.changedSteps(events) == ["certificates", "node.\(primary.name)"])
            let renewed = try await Wait(for: "the server to show another", upTo: .seconds(30), hint: "").until {
                let shown = try await lastSecond(port)
                return shown > soon ? .found(shown) : .notYet(shown)
            }
            #expect(renewed >= first)
            #expect(try await TestCluster.identifiers(cluster) == containers)
            #expect(try await started() == start && start != "")
            let after = try await cluster.state()
            #expect(after.healthy, "\(after.notes)")
            #expect(after.warnings == nil)
            #expect(after.nodes.first { $0.reportedState == "primary" }?.name == primary.name)
        }
    }
}
