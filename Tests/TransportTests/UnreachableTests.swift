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
            let error = await failure {
                _ = try await SSHConnection.open(parameters(host: "127.0.0.1", port: listener.number))
            }
            #expect(error?.code == .machineUnreachable)
            #expect(error?.message.hasSuffix("did not speak SSH within 500 ms.") == true)
        }

        @Test func openingCanBeCancelled() async throws {
            let listener = ListeningPort()
            var slow = parameters(host: "127.0.0.1", port: listener.number)
            slow.connectTimeout = .seconds(60)
            let patient = slow
            let task = Task { _ = try await SSHConnection.open(patient) }
            try await Wait(for: "the connection", upTo: .seconds(10), every: .milliseconds(10), hint: "").until {
                try Self.isReached(listener.number) ? .found(()) : .notYet("nobody has come")
            }
            task.cancel()
            let result = await task.result
            #expect(throws: CancellationError.self) { try result.get() }
        }

        /// Whether somebody of this machine has an established connection of TCP to this port, which nobody accepts.
        private static func isReached(_ port: Int) throws -> Bool {
            let remote = String(format: ":%04X", port)
            let connections = try MachineFiles().read("/proc/net/tcp") ?? ""
            return connections.split(separator: "\n").contains { line in
                // A number, the local address, the remote one, the state.
                let fields = line.split(separator: " ")
                return fields.count > 3 && fields[2].hasSuffix(remote) && fields[3] == "01"
            }
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
