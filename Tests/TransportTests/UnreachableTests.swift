import Foundation
import HostOrchestrator
import Shared
import TestSupport
import Testing

extension TransportSuite {
    @Suite struct UnreachableTests {
        private func parameters(host: String, port: Int) -> SSHParameters {
            SSHParameters(
                host: host, port: port, user: "nobody", identityFiles: [], knownHostsFile: "/nonexistent/known_hosts",
                connectTimeout: .milliseconds(500))
        }

        @Test func aRefusedPortSaysSo() async throws {
            let port = ListeningPort.free()
            let error = await failure { _ = try await SSHConnection.open(parameters(host: "127.0.0.1", port: port)) }
            #expect(error?.code == .machineUnreachable)
            #expect(error?.message == "Port \(port) of 127.0.0.1 refused the connection: nothing listens there.")
        }

        @Test func aNameWithoutAddressSaysSo() async throws {
            let error = await failure {
                _ = try await SSHConnection.open(parameters(host: "no-such-host.invalid", port: 22))
            }
            #expect(error?.code == .machineUnreachable)
            #expect(error?.message == "The name \"no-such-host.invalid\" could not be resolved.")
        }

        @Test func aPortThatSaysNothingIsGivenUpInTime() async throws {
            // Listens and never accepts: the kernel completes the TCP connection all the same.
            let listener = ListeningPort()
            let start = ContinuousClock.now
            let error = await failure {
                _ = try await SSHConnection.open(parameters(host: "127.0.0.1", port: listener.number))
            }
            #expect(error?.code == .machineUnreachable)
            #expect(ContinuousClock.now - start < .seconds(5))
        }

        @Test func openingCanBeCancelled() async throws {
            let listener = ListeningPort()
            var slow = parameters(host: "127.0.0.1", port: listener.number)
            slow.connectTimeout = .seconds(60)
            let patient = slow
            let task = Task { _ = try await SSHConnection.open(patient) }
            try await Task.sleep(for: .milliseconds(100))
            let start = ContinuousClock.now
            task.cancel()
            let result = await task.result
            #expect(throws: CancellationError.self) { try result.get() }
            #expect(ContinuousClock.now - start < .seconds(2))
        }

        @Test func localhostIsFoundUnderEachOfItsAddresses() async throws {
            try await TestServer.run { server in
                var named = server.parameters()
                named.host = "localhost"
                try await SSHConnection.open(named).close()
            }
        }
    }
}
