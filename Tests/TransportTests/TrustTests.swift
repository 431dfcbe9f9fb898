import Foundation
import HostOrchestrator
import Shared
import TestSupport
import Testing

extension TransportSuite {
    @Suite struct TrustTests {
        @Test func aWrongKeyIsRefusedAndNamed() async throws {
            try await TestServer.run { server in
                var parameters = server.parameters(key: "stranger")
                parameters.identityFiles.append("/nowhere/id_rsa")
                parameters.identityFiles.append("\(server.directory)/sshd_config")
                let error = await failure { _ = try await SSHConnection.open(parameters) }
                #expect(error?.code == .loginRefused)
                for path in parameters.identityFiles { #expect(error?.message.contains(path) == true) }
            }
        }

        @Test func theRightKeyAmongWrongOnesIsFound() async throws {
            try await TestServer.run { server in
                var parameters = server.parameters(key: "stranger")
                parameters.identityFiles += ["/nowhere/id_rsa", "\(server.directory)/user"]
                let connection = try await SSHConnection.open(parameters)
                await connection.close()
            }
        }

        @Test func aKeyWithAPassphraseIsToldFromARefusedOne() async throws {
            try await TestServer.run { server in
                let key = "\(server.directory)/locked"
                try await SubprocessRunner().checked(
                    Command("ssh-keygen", ["-q", "-t", "ed25519", "-N", "12345", "-f", key]), remedy: "")
                var parameters = server.parameters()
                parameters.identityFiles = [key]
                let error = await failure { _ = try await SSHConnection.open(parameters) }
                #expect(error?.code == .loginRefused)
                #expect(error?.message.contains("passphrase") == true)
            }
        }

        @Test func theHostKeyIsLearnedOnceAndThenRequired() async throws {
            try await TestServer.run { server in
                let parameters = server.parameters()
                try await SSHConnection.open(parameters).close()
                let learned = try String(contentsOfFile: parameters.knownHostsFile, encoding: .utf8)
                #expect(learned.split(separator: "\n").count == 1)
                try await SSHConnection.open(parameters).close()
                #expect(try String(contentsOfFile: parameters.knownHostsFile, encoding: .utf8) == learned)
            }
        }

        @Test func aChangedHostKeyIsRefusedWhateverTheUsersConfigurationSays() async throws {
            try await TestServer.run { server in
                let home = "\(server.directory)/home"
                try FileManager.default.createDirectory(atPath: "\(home)/.ssh", withIntermediateDirectories: true)
                try "Host *\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n".write(
                    toFile: "\(home)/.ssh/config", atomically: true, encoding: .utf8)
                let former = ProcessInfo.processInfo.environment["HOME"]
                setenv("HOME", home, 1)
                defer { if let former { setenv("HOME", former, 1) } }

                let parameters = server.parameters()
                try await SSHConnection.open(parameters).close()
                let learned = try String(contentsOfFile: parameters.knownHostsFile, encoding: .utf8)
                let before = try await fingerprint(of: "\(server.directory)/host.pub")
                let impostor = try await server.replaceHostKey()
                let after = try await fingerprint(of: "\(server.directory)/host.pub")
                for _ in 0..<2 {
                    let error = await failure { _ = try await SSHConnection.open(parameters) }
                    #expect(error?.code == .hostKeyChanged)
                    #expect(error?.message.contains(before) == true)
                    #expect(error?.message.contains(after) == true)
                    #expect(error?.remedy.contains(parameters.knownHostsFile) == true)
                }
                #expect(try String(contentsOfFile: parameters.knownHostsFile, encoding: .utf8) == learned)
                impostor.stop()
            }
        }

        @Test func anotherPortOfTheSameMachineMustShowTheSameKey() async throws {
            try await TestServer.run { first in
                try await TestServer.run { second in
                    // What was learned from the first, as if it had been on the second's port before.
                    var moved = second.parameters()
                    moved.knownHostsFile = first.parameters().knownHostsFile
                    try await SSHConnection.open(first.parameters()).close()
                    let error = await failure { _ = try await SSHConnection.open(moved) }
                    #expect(error?.code == .hostKeyChanged)

                    let file = first.parameters().knownHostsFile
                    let learned = try String(contentsOfFile: file, encoding: .utf8)
                    try learned.replacingOccurrences(of: ":\(first.port)", with: ":1").write(
                        toFile: file, atomically: true, encoding: .utf8)
                    try await SSHConnection.open(first.parameters()).close()
                    #expect(try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").count == 2)
                }
            }
        }

        @Test func anExpectedFingerprintDecidesOnTheFirstContact() async throws {
            try await TestServer.run { server in
                var parameters = server.parameters()
                parameters.expectedHostKey = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                let error = await failure { _ = try await SSHConnection.open(parameters) }
                #expect(error?.code == .hostKeyChanged)
                #expect(!FileManager.default.fileExists(atPath: parameters.knownHostsFile))
                parameters.expectedHostKey = try await fingerprint(of: "\(server.directory)/host.pub")
                try await SSHConnection.open(parameters).close()
            }
        }

        /// `vagrant ssh-config` of a machine behind the test's sshd.
        private struct Vagrant: CommandRunner {
            let server: TestServer
            var address = "127.0.0.1"

            func run(_ command: Command, onLine: (@Sendable (String) async -> Void)?) async throws -> CommandResult {
                guard command.arguments == ["ssh-config"] else { return CommandResult() }
                return CommandResult(
                    standardOutput: """
                        Host default
                          HostName \(address)
                          User \(NSUserName())
                          Port \(server.port)
                          IdentityFile \(server.directory)/user
                        """)
            }
        }

        @Test func aVirtualMachinesKeyIsKnownWithoutTheDirectory() async throws {
            try await TestServer.run { server in
                let scratch = ScratchDirectory()
                let vagrant = "\(scratch.path)/.vagrant/machines/default/virtualbox"
                try FileManager.default.createDirectory(atPath: vagrant, withIntermediateDirectories: true)
                try "4f0a9c21-77".write(toFile: "\(vagrant)/id", atomically: true, encoding: .utf8)
                try "# Made by pgaf-host\n".write(
                    toFile: scratch.project.vagrantfile, atomically: true, encoding: .utf8)
                func machine(_ address: String = "127.0.0.1") -> VagrantMachine {
                    let runner = Vagrant(server: server, address: address)
                    return VagrantMachine(
                        settings: VagrantSettings(), ports: [], project: scratch.project,
                        logFile: "\(scratch.path)/log", runner: runner, boxes: BoxBuilder(runner: runner) { "" })
                }
                try await machine().connect().close()
                let learned = scratch.text(scratch.project.knownHosts)
                try FileManager.default.removeItem(atPath: scratch.project.state)
                try await machine().connect().close()
                #expect(scratch.text(scratch.project.knownHosts) == learned && !learned.isEmpty)

                try FileManager.default.removeItem(atPath: scratch.project.state)
                let impostor = try await server.replaceHostKey()
                let error = await failure { _ = try await machine().connect() }
                #expect(error?.code == .hostKeyChanged)
                // Nor is one learned because the machine is said to have moved.
                let moved = await failure { _ = try await machine("localhost").connect() }
                #expect(moved?.code == .hostKeyChanged)
                // The command that the remedy names is enough to go on.
                let files = [scratch.project.knownHosts, "\(vagrant)/pgaf_known_hosts.4f0a9c21-77"]
                #expect(
                    error?.remedy.contains("`rm \(files.joined(separator: " "))`") == true, "\(error?.remedy ?? "")")
                for file in files { try FileManager.default.removeItem(atPath: file) }
                try await machine().connect().close()

                // `vagrant destroy` and `vagrant up`, typed by hand: another machine, with a key of its own.
                let made = try await impostor.replaceHostKey()
                #expect(await failure { _ = try await machine().connect() }?.code == .hostKeyChanged)
                try FileManager.default.removeItem(atPath: files[1])
                try "4f0a9c21-78".write(toFile: "\(vagrant)/id", atomically: true, encoding: .utf8)
                try await machine().connect().close()
                made.stop()
            }
        }

        private func fingerprint(of file: String) async throws -> String {
            let line = try await SubprocessRunner().checked(Command("ssh-keygen", ["-lf", file]), remedy: "")
            return String(line.trimmedOutput.split(separator: " ")[1])
        }
    }
}
