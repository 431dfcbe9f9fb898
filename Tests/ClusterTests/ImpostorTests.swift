import Foundation
import Shared
import TestSupport
import Testing

@testable import GuestAgent

extension ClusterSuite {
    /// A false server in a true one's place: it has that one's name, in a certificate of its own, and lets everybody in.
    @Suite(.serialized) struct ImpostorTests {
        private let cluster: PgafProject
        private let impostor = "pgaf-test-impostor"

        init() throws { cluster = try TestCluster.local() }

        /// `$1` and `$2` are the names; each line of its log says who has come in, or nobody yet.
        private static let server = """
            set -e
            cd /tmp
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" \
                -addext "subjectAltName=DNS:$1,DNS:$2" -keyout key -out certificate
            initdb --no-sync --auth trust data
            echo 'host all,replication all all trust' >> data/pg_hba.conf
            exec postgres -D data -c listen_addresses='*' -c unix_socket_directories=/tmp -c log_connections=on \
                -c 'log_line_prefix=user=%u ' -c ssl=on -c ssl_cert_file=/tmp/certificate -c ssl_key_file=/tmp/key
            """

        /// The standby's own walreceiver and pg_autoctl meet it, and tell it neither a password nor who they are.
        @Test func anImpostorInThePrimarysOrTheMonitorsPlaceGetsNoLogin() async throws {
            _ = try await cluster.up()
            let state = try await cluster.waitUntilHealthy("the start")
            let primary = try #require(state.nodes.first { $0.reportedState == "primary" }?.name)
            let standby = try #require(state.nodes.first { $0.reportedState == "secondary" }?.name)
            let identifiers = try await TestCluster.identifiers(cluster)
            // Whom the container's processes take for whom, before they ask the network; the engine keeps that file.
            let hosts = try await docker(["container", "inspect", "--format", "{{.HostsPath}}", standby]).trimmedOutput
            let before = try String(contentsOfFile: hosts, encoding: .utf8)
            do {
                let address = try await begin([primary, TestCluster.monitor], seenFrom: standby)
                let former = try await refusals(by: standby, at: address)
                try "\(before)\n\(address) \(primary) \(TestCluster.monitor)\n".write(
                    toFile: hosts, atomically: false, encoding: .utf8)
                try await docker([
                    "exec", "--user", "postgres", standby, "sh", "-c",
                    "kill $(psql -XAtd postgres -c 'SELECT pid FROM pg_stat_wal_receiver')",
                ])
                try await Wait(for: "both connections to be refused", upTo: .seconds(60), hint: "").until {
                    let now = try await refusals(by: standby, at: address)
                    return now.primary > former.primary && now.monitor > former.monitor ? .found(()) : .notYet("\(now)")
                }
            } catch {
                Issue.record(error)
            }
            try before.write(toFile: hosts, atomically: false, encoding: .utf8)
            let log = try await cluster.command("docker", ["logs", impostor])
            _ = try await cluster.command("docker", ["rm", "--force", impostor])
            let told = log.standardOutput + log.standardError
            #expect(told.contains("could not accept SSL connection"), "\(told)")
            // Only the test, which did not ask whether the server is the true one, has said who it is.
            let users = Set(told.matches(of: /user=(\w*)/).map { String($0.output.1) })
            #expect(users == ["", "postgres"], "\(told)")

            let after = try await cluster.waitUntilHealthy("an impostor", upTo: .seconds(60))
            #expect(after.nodes.first { $0.reportedState == "primary" }?.name == primary)
            #expect(try await TestCluster.identifiers(cluster) == identifiers)
        }

        /// Starts it in the cluster's network as a container of nobody's.
        ///
        /// - Returns: its address, once it lets in whoever does not look at its certificate.
        private func begin(_ names: [String], seenFrom node: String) async throws -> String {
            try await docker(
                [
                    "run", "--detach", "--name", impostor, "--network", "pgaf_test_net", "--user", "postgres",
                    "--entrypoint", "sh", "pgaf/pg_auto_failover:latest", "-c", Self.server, "sh",
                ] + names)
            let format = "{{(index .NetworkSettings.Networks \"pgaf_test_net\").IPAddress}}"
            let address = try await docker(["container", "inspect", "--format", format, impostor]).trimmedOutput
            let careless = "host=\(address) user=postgres dbname=postgres sslmode=require"
            try await Wait(for: "the impostor to let somebody in", upTo: .seconds(60), hint: "").until {
                let answer = try await cluster.command(
                    "docker",
                    ["exec", "--user", "postgres", node, "psql", "-XAtw", "-c", "SELECT 'in'", careless])
                return answer.trimmedOutput == "in" ? .found(()) : .notYet(answer.standardError)
            }
            return address
        }

        /// How often a node's PostgreSQL and its pg_autoctl, each in its log, have refused whoever answered at an address.
        private func refusals(by node: String, at address: String) async throws -> (primary: Int, monitor: Int) {
            let search = "grep -hF 'certificate verify failed' \(ContainerLayout.data)/log/*"
            let server = try await cluster.command(
                "docker", ["exec", "--user", "postgres", node, "sh", "-c", search])
            let keeper = try await cluster.command("docker", ["logs", "--tail", "1000", node])
            func count(_ text: String, _ words: String) -> Int {
                text.split(separator: "\n").count {
                    $0.contains(words) && $0.contains("(\(address))") && $0.contains("certificate verify failed")
                }
            }
            return (
                count(server.standardOutput, "could not connect to the primary server"),
                count(keeper.standardOutput + keeper.standardError, "\"\(TestCluster.monitor)\"")
            )
        }

        @discardableResult
        private func docker(_ arguments: [String]) async throws -> CommandResult {
            try await cluster.runner.checked(Command("docker", arguments), remedy: "")
        }
    }
}
