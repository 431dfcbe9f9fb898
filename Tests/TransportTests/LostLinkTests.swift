import Foundation
import HostOrchestrator
import Shared
import TestSupport
import Testing

extension TransportSuite {
    @Suite struct LostLinkTests {
        @Test func aKilledServerProcessIsALostLink() async throws {
            try await TestServer.run { server in
                let connection = try await server.connect()
                let error = try await interrupting(server, with: SIGKILL, during: connection)
                #expect(error?.code == .linkLost)
                let next = await failure { _ = try await connection.execute(["true"], input: nil) { _ in } }
                #expect(next?.code == .linkLost)
            }
        }

        @Test func aServerGoneSilentIsALostLinkInBoundedTime() async throws {
            try await TestServer.run { server in
                let connection = try await impatient(server)
                let error = try await interrupting(server, with: SIGSTOP, during: connection)
                #expect(error?.code == .linkLost)
                await connection.close()
            }
        }

        @Test func aServerGoneSilentWhileWeWriteIsALostLinkToo() async throws {
            try await TestServer.run { server in
                let connection = try await impatient(server)
                let recording = Recording()
                let endless = Secret(String(repeating: "x", count: 20_000_000))
                async let end = failure {
                    _ = try await connection.execute(
                        ["sh", "-c", "echo started; exec cat >/dev/null"], input: endless, onOutput: recording.take)
                }
                try await waitFor("started", in: recording)
                for pid in server.sessions() { kill(pid, SIGSTOP) }
                #expect(await end?.code == .linkLost)
                await connection.close()
            }
        }

        @Test func closingDuringAProgramEndsItsWait() async throws {
            try await TestServer.run { server in
                let connection = try await server.connect()
                let recording = Recording()
                async let end = failure {
                    _ = try await connection.execute(
                        ["sh", "-c", "echo started; exec sleep 60"], input: nil, onOutput: recording.take)
                }
                try await waitFor("started", in: recording)
                await connection.close()
                #expect(await end?.code == .linkLost)
            }
        }

        @Test func connectionsLeaveNoSocketsBehind() async throws {
            try await TestServer.run { server in
                let count = { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
                let before = try count()
                for _ in 0..<10 {
                    let connection = try await server.connect()
                    _ = try await connection.execute(["true"], input: nil) { _ in }
                    await connection.close()
                    let wrong = server.parameters(key: "stranger")
                    _ = await failure { _ = try await SSHConnection.open(wrong) }
                }
                // Other targets' tests run beside this one and have files of their own.
                #expect(try count() < before + 8)
            }
        }

        /// A connection that takes a second of silence for the end of its link.
        private func impatient(_ server: TestServer) async throws -> SSHConnection {
            var parameters = server.parameters()
            parameters.keepaliveInterval = .milliseconds(300)
            parameters.keepaliveTimeout = .seconds(1)
            return try await SSHConnection.open(parameters)
        }

        /// Starts a long program, sends the signal to the server's session processes, and returns what became of the program.
        private func interrupting(
            _ server: TestServer, with signal: Int32, during connection: SSHConnection
        ) async throws -> PgafError? {
            let recording = Recording()
            async let end = failure {
                _ = try await connection.execute(
                    ["sh", "-c", "echo started; exec sleep 60"], input: nil, onOutput: recording.take)
            }
            try await waitFor("started", in: recording)
            let sessions = server.sessions()
            #expect(!sessions.isEmpty)
            for pid in sessions { kill(pid, signal) }
            return await end
        }
    }
}
