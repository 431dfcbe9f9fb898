import Foundation
import Shared
import TestSupport
import Testing

extension TransportSuite {
    /// The whole pgaf-host against a real sshd whose machine means harm: whatever is asked for, a hostile agent answers.
    @Suite struct HostileMachineTests {
        /// The machine says that it is root and has the agent already; everything else is the agent's.
        private static let machine = """
            case "$SSH_ORIGINAL_COMMAND" in
            "id -u") echo 0 ;;
            *pgaf-upload*) echo begun; echo same ;;
            *pgaf-agent\\ *) set -- ${SSH_ORIGINAL_COMMAND#*pgaf-agent }; exec "$directory/agent" "$@" ;;
            *) exit 0 ;;
            esac
            """

        @Test(arguments: HostileScenario.all) func endsAsItShouldAndHarmsNobody(_ scenario: HostileScenario)
            async throws
        {
            try await TestServer.run(forcing: Self.machine) { server in
                let project = try Self.project(server)
                let agent = try HostileAgent(in: server.directory, up: scenario.up)
                let run = try await project.observed(["up", "--progress", "ansi"], agent: agent)
                #expect(run.status == scenario.status, "\(run.errors.suffix(2000))")
                #expect(run.errors.contains(scenario.says), "\(run.errors.suffix(2000))")
                run.expectHarmless()
                #expect(run.peakMemory < 200 << 10, "\(run.peakMemory) KiB")
            }
        }

        /// Somebody else on the machine's port, and a user whose own configuration would let everybody pass.
        @Test func anImpostorGetsNothingAndARebuiltMachineIsTakenOnceItsEntryIsGone() async throws {
            try await TestServer.run(forcing: Self.machine) { server in
                let home = "\(server.directory)/home"
                try FileManager.default.createDirectory(atPath: "\(home)/.ssh", withIntermediateDirectories: true)
                try "Host *\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n".write(
                    toFile: "\(home)/.ssh/config", atomically: true, encoding: .utf8)
                let project = try Self.project(server)
                let state = #"{"cluster":"c","formation":"f","healthy":true,"monitor":"m","nodes":[],"notes":[]}"#
                let agent = try HostileAgent(
                    in: server.directory, up: "exit 1", verbs: ["status": "echo '\(state)'", "down": "exit 0"])
                func host(_ arguments: [String]) async throws -> ObservedRun {
                    try await project.observed(arguments, agent: agent, environment: ["HOME": home])
                }
                #expect(try await host(["status"]).status == 0)
                let learned = try String(contentsOfFile: project.knownHosts, encoding: .utf8)
                // As an `up` would have left it.
                try "a certificate".write(
                    toFile: project.knownHosts.replacing("known_hosts", with: "ca.crt"), atomically: true,
                    encoding: .utf8)

                var impostor = try await server.replaceHostKey()
                let before = server.log.utf8.count
                for arguments in [["status"], ["up"], ["plan"], ["logs"], ["uri"], ["destroy", "--yes"]] {
                    let run = try await host(arguments)
                    // Strings are made here, without asking the machine.
                    #expect(run.status == (arguments == ["uri"] ? 0 : 77), "\(arguments): \(run.errors)")
                    #expect(arguments == ["uri"] || run.errors.contains("ssh.host-key-changed"), "\(run.errors)")
                }
                #expect(try await host(["ssh", "--", "true"]).status != 0)
                let heard = server.log.utf8.dropFirst(before)
                let words = String(decoding: Array(heard), as: UTF8.self)
                #expect(words.contains("Connection from"), "nobody came to the impostor")
                #expect(!words.contains("userauth-request"), "a login was tried")
                #expect(try String(contentsOfFile: project.knownHosts, encoding: .utf8) == learned)

                // What the message says is enough.
                let said = try await host(["status"]).errors
                #expect(said.contains("rm \(project.knownHosts)"))
                try FileManager.default.removeItem(atPath: project.knownHosts)
                #expect(try await host(["status"]).status == 0)
                #expect(try String(contentsOfFile: project.knownHosts, encoding: .utf8) != learned)

                // With the cluster its machine's key is forgotten, and another machine may have its address.
                #expect(try await host(["destroy", "--yes"]).status == 0)
                let last = impostor
                impostor = try await impostor.replaceHostKey()
                _ = last
                #expect(try await host(["status"]).status == 0)
                impostor.stop()
            }
        }

        private static func project(_ server: TestServer) throws -> PgafProject {
            try PgafProject(
                directory: "\(server.directory)/project",
                yaml: """
                    machine:
                      kind: ssh
                      ssh: {host: 127.0.0.1, port: \(server.port), user: \(NSUserName()), \
                    identity_files: [\(server.directory)/user]}

                    """)
        }
    }
}

extension PgafProject {
    fileprivate var knownHosts: String { "\(directory)/.pgaf/known_hosts" }
}
