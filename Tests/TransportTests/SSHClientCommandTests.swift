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
            SSHClientCommand.interactive(parameters, remote: ["psql", "-c", "select 'a'"])
                == Command(
                    "ssh",
                    [
                        "-F", "/dev/null", "-o", "UserKnownHostsFile=\"/my project/.pgaf/known_hosts\"",
                        "-o", "GlobalKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=yes",
                        "-o", "IdentitiesOnly=yes", "-p", "2222", "-l", "vagrant", "-i", "/k/one", "-i", "/k/100%%",
                        "-t", "--", "vm.example", "psql -c 'select '\\''a'\\'''",
                    ], deadline: nil))
    }
}
