import Foundation
import HostOrchestrator
import Shared
import TestSupport
import Testing

@Suite struct SSHClientCommandTests {
    @Test func namesEveryKeyAndOnlyItsOwnKnownHosts() {
        let parameters = SSHParameters(
            host: "vm.example", port: 2222, user: "vagrant", identityFiles: ["/k/one", "/k/100%"],
            knownHostsFile: "/my project/.pgaf/known_hosts")
        #expect(
            SSHClientCommand.interactive(parameters, remote: ["psql", "-c", "select 'a'"], terminal: true)
                == Command(
                    "ssh",
                    [
                        "-F", "/dev/null", "-o", "UserKnownHostsFile=\"/my project/.pgaf/known_hosts\"",
                        "-o", "GlobalKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=yes",
                        "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR", "-p", "2222", "-l", "vagrant", "-o",
                        "IdentityFile=\"/k/one\"", "-o", "IdentityFile=\"/k/100%%\"",
                        "-t", "--", "vm.example", "psql -c 'select '\\''a'\\'''",
                    ], deadline: nil))
    }
}

extension TransportSuite {
    /// Files of odd names, as libssh and OpenSSH's client find them again.
    @Suite struct OddPathTests {
        @Test func keysAndKnownHostsLieInDirectoriesOfAnyName() async throws {
            let names = try Corpus.cases("paths.txt", of: ["machine.ssh.identity_files"]).filter(\.isCarried).map(
                \.text)
            try await TestServer.run { server in
                for name in names {
                    let folder = "\(server.directory)/\(name)"
                    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                    try FileManager.default.copyItem(
                        atPath: "\(server.directory)/user", toPath: "\(folder)/\(name)")
                    var parameters = server.parameters()
                    parameters.identityFiles = ["\(folder)/\(name)"]
                    parameters.knownHostsFile = "\(folder)/known hosts"
                    try await SSHConnection.open(parameters).close()
                    #expect(FileManager.default.fileExists(atPath: parameters.knownHostsFile), "\(name)")
                    let said = try await SubprocessRunner().run(
                        SSHClientCommand.interactive(parameters, remote: ["printf", "%s", name], terminal: false))
                    #expect(said.standardOutput == name && said.succeeded, "\(name): \(said.standardError)")
                }
            }
        }
    }
}
