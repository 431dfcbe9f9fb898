import Foundation
import Shared
import TestSupport
import Testing

/// What holds for the tests' cluster on every kind of machine, seen by its clients.
struct ClientPromises {
    private let cluster: PgafProject

    init(_ cluster: PgafProject) { self.cluster = cluster }

    private func password() throws -> String { try #require(try cluster.passwords()["superuser"]) }

    func aWriteIsReadEverywhereAndRefusedByStandbys() async throws {
        let password = try password()
        let value = RunIdentifier.new()
        let write = try await cluster.sql(
            "CREATE TABLE IF NOT EXISTS t (v text); INSERT INTO t VALUES ('\(value)')", ports: TestCluster.ports,
            password: password, attributes: "read-write")
        #expect(write.succeeded, "\(write.standardError)")
        let state = try await cluster.state()
        let standbys = state.nodes.filter { $0.reportedState == "secondary" }.compactMap(\.publishedPort)
        #expect(standbys.count == 2)
        for port in standbys {
            _ = try await Wait(for: "the row on \(port)", upTo: .seconds(30), hint: "").until {
                let read = try await cluster.sql(
                    "SELECT count(*) FROM t WHERE v = '\(value)'", ports: [port], password: password)
                return read.trimmedOutput == "1" ? .found(()) : .notYet(read.standardError)
            }
            let refused = try await cluster.sql("INSERT INTO t VALUES ('x')", ports: [port], password: password)
            #expect(!refused.succeeded)
            #expect(refused.standardError.contains("read-only"))
        }
    }

    func nobodyGetsInWithoutTheRightPasswordOrWithoutTLS() async throws {
        let password = try password()
        for port in TestCluster.ports {
            let right = try await cluster.sql("SELECT 1", ports: [port], password: password)
            #expect(right.trimmedOutput == "1", "\(right.standardError)")
            let wrong = try await cluster.sql("SELECT 1", ports: [port], password: "not-\(password)")
            #expect(wrong.standardError.contains("password authentication failed"))
            let none = try await cluster.sql("SELECT 1", ports: [port], password: nil)
            #expect(none.standardError.contains("no password supplied"))
            let plain = try await cluster.command(
                "psql", ["-XAtw", "-c", "SELECT 1"],
                environment: [
                    "PGHOST": "127.0.0.1", "PGPORT": "\(port)", "PGUSER": "postgres", "PGPASSWORD": password,
                    "PGSSLMODE": "disable",
                ])
            #expect(plain.standardError.contains("pg_hba.conf rejects connection"))
        }
    }

    func aKilledContainerComesBack(_ name: String) async throws {
        #expect(try await cluster.command("docker", ["kill", "--signal", "KILL", name]).succeeded)
        #expect(try await cluster.command("docker", ["start", name]).succeeded)
        // `status` believes nothing that the monitor knows from before this start.
        let state = try await cluster.waitUntilHealthy("SIGKILL of \(name)")
        #expect(state.nodes.count { $0.reportedState == "primary" } == 1)
    }
}
