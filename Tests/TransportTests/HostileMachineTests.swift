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

        /// A project that knows its machine's key, and a user whose own configuration would let everybody pass.
        private struct Acquaintance {
            let project: PgafProject
            private let agent: HostileAgent
            private let home: String

            init(with server: TestServer) async throws {
                home = "\(server.directory)/home"
                try FileManager.default.createDirectory(atPath: "\(home)/.ssh", withIntermediateDirectories: true)
                try "Host *\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n".write(
                    toFile: "\(home)/.ssh/config", atomically: true, encoding: .utf8)
                project = try HostileMachineTests.project(server)
                let state = #"{"cluster":"c","formation":"f","healthy":true,"monitor":"m","nodes":[],"notes":[]}"#
                let removed = try HostileAgent.result(
                    #""result":{"status":"ok","changed":0,"warnings":[],"cluster":{"verb":"down","containers":[],"removed":[]}}"#
                )
                agent = try HostileAgent(
                    in: server.directory, up: "exit 1",
                    verbs: ["status": "echo '\(state)'", "down": "run=$5; \(HostileAgent.events); \(removed)"])
                let first = try await host(["status"])
                #expect(first.status == 0, "\(first.errors)")
                // As an `up` would have left it.
                try "a certificate".write(
                    toFile: project.knownHosts.replacing("known_hosts", with: "ca.crt"), atomically: true,
                    encoding: .utf8)
            }

            func host(_ arguments: [String]) async throws -> ObservedRun {
                try await project.observed(arguments, agent: agent, environment: ["HOME": home])
            }

            /// The machine's key as it is known.
            func key() throws -> String { try String(contentsOfFile: project.knownHosts, encoding: .utf8) }
        }

        /// Somebody else on the machine's port.
        @Test func anImpostorGetsNothingAndARebuiltMachineIsTakenOnceItsEntryIsGone() async throws {
            try await TestServer.run(forcing: Self.machine) { server in
                let known = try await Acquaintance(with: server)
                let learned = try known.key()
                let impostor = try await server.replaceHostKey()
                defer { impostor.stop() }
                let before = server.log.utf8.count
                for arguments in [["status"], ["up"], ["plan"], ["logs"], ["uri"], ["destroy", "--yes"]] {
                    let run = try await known.host(arguments)
                    // Strings are made here, without asking the machine.
                    #expect(run.status == (arguments == ["uri"] ? 0 : 77), "\(arguments): \(run.errors)")
                    #expect(arguments == ["uri"] || run.errors.contains("ssh.host-key-changed"), "\(run.errors)")
                }
                #expect(try await known.host(["ssh", "--", "true"]).status != 0)
                let heard = server.log.utf8.dropFirst(before)
                let words = String(decoding: Array(heard), as: UTF8.self)
                #expect(words.contains("Connection from"), "nobody came to the impostor")
                #expect(!words.contains("userauth-request"), "a login was tried")
                #expect(try known.key() == learned)

                // What the message says is enough.
                let said = try await known.host(["status"]).errors
                #expect(said.contains("rm \(known.project.knownHosts)"))
                try FileManager.default.removeItem(atPath: known.project.knownHosts)
                #expect(try await known.host(["status"]).status == 0)
                #expect(try known.key() != learned)
            }
        }

        /// Another machine may have its address then.
        @Test func withTheClusterItsMachinesKeyIsForgotten() async throws {
            try await TestServer.run(forcing: Self.machine) { server in
                let known = try await Acquaintance(with: server)
                let learned = try known.key()
                let removal = try await known.host(["destroy", "--yes"])
                #expect(removal.status == 0, "\(removal.errors)")
                let other = try await server.replaceHostKey()
                defer { other.stop() }
                #expect(try await known.host(["status"]).status == 0)
                #expect(try known.key() != learned)
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
