import Shared
import TestSupport
import Testing

@testable import HostOrchestrator

@Suite struct VagrantOutputTests {
    @Test func readsStateAndForwardedPorts() {
        let output = VagrantMachineReadable(
            """
            not a line
            1795384879,default,metadata,provider,libvirt
            1795384879,default,state,running
            1795384879,default,state-human-long,To stop this machine%!(VAGRANT_COMMA) you can run\\n`vagrant halt`.
            1795384880,default,forwarded_port,22,2222
            1795384880,default,forwarded_port,5001,2200
            """)
        #expect(output.state == "running")
        #expect(output.entries[2].data == ["To stop this machine, you can run\n`vagrant halt`."])
        #expect(output.forwardedPorts == [22: 2222, 5001: 2200])
        #expect(VagrantMachineReadable("").state == nil)
    }

    @Test func readsEveryIdentityFile() throws {
        let config = try VagrantSSHConfig(
            """
            # comment
            Host default
              HostName 192.168.121.153
              User "vagrant"
              Port 2222
              UserKnownHostsFile /dev/null
              IdentityFile "/home/a user/.vagrant/private key"
              IdentityFile /home/second
              IdentityFile=/third

            Host other
              HostName 10.0.0.1
              IdentityFile /fourth
            """)
        let parameters = config.parameters(knownHosts: "/p/.pgaf/known_hosts")
        #expect(parameters.host == "192.168.121.153" && parameters.port == 2222 && parameters.user == "vagrant")
        #expect(parameters.identityFiles == ["/home/a user/.vagrant/private key", "/home/second", "/third"])
        #expect(parameters.knownHostsFile == "/p/.pgaf/known_hosts" && !parameters.usesAgent)
    }

    @Test(arguments: try Corpus.cases("ssh-config.txt")) func isReadOrRefused(_ hostile: CorpusCase) throws {
        guard case .refused(let code) = hostile.fate else {
            let config = try VagrantSSHConfig(hostile.text)
            #expect(!config.host.isEmpty && !config.user.isEmpty && (1...65535).contains(config.port))
            return
        }
        let error = #expect(throws: PgafError.self) { try VagrantSSHConfig(hostile.text) }
        #expect(error?.code == code)
    }

    @Test func cleansLines() {
        #expect(VagrantPhase.cleaned("\u{1B}[KProgress: 41% (Rate: 0/s)") == "Progress: 41% (Rate: 0/s)")
        #expect(VagrantPhase.cleaned("\u{1B}[1;32m==> default: up\u{7}\u{1B}[0m ") == "==> default: up")
        #expect(VagrantPhase.cleaned("\u{1B}[K") == nil)
        #expect(VagrantPhase.cleaned("\u{1B}") == nil)
        #expect(VagrantPhase.fraction("Progress: 41% (Rate: 0/s)") == 0.41)
        #expect(VagrantPhase.fraction("Progress: 7%") == 0.07)
        #expect(VagrantPhase.fraction("==> default: 50%") == nil)
    }

    @Test(arguments: [
        ("==> default: Importing base box 'bento/debian-13'...", "importing the box"),
        ("==> default: Waiting for machine to boot. This may take a few minutes...", "waiting for SSH"),
        ("default: Inserting generated public key within guest...", "replacing the SSH key"),
        ("==> default: Forwarding ports...", "forwarding ports"),
        (
            "==> default: Uploading base box image as volume into Libvirt storage...",
            "copying the box into libvirt's storage"
        ),
        ("default: SSH username: vagrant", nil),
    ]) func recognisesPhases(_ line: String, _ phase: String?) {
        #expect(VagrantPhase.recognise(line) == phase)
    }

    @Test func failuresGetARemedyThatFits() {
        let lines = ["Call to virConnectOpen failed: Failed to connect socket to '/run/libvirt': No such file"]
        let error = VagrantFailure.error(provider: .libvirt, lines: lines, logFile: "/l")
        #expect(error.code == .vagrantFailed && error.remedy.contains("libvirtd") && error.output == lines)
        let full = VagrantFailure.error(provider: .libvirt, lines: ["x: No space left on device"], logFile: "/l")
        #expect(full.code == .diskFull)
        #expect(VagrantFailure.error(provider: .libvirt, lines: [], logFile: "/l").remedy.contains("/l"))
        // Vagrant 2.3's own words, and those that it had before.
        for words in [
            "because the filesystem \"vboxsf\" is not available. This filesystem is",
            "the \"vboxsf\" file system is not available. Please verify that",
        ] {
            let lines = [words, "mount: /vagrant: unknown filesystem type 'vboxsf'."]
            let folder = VagrantFailure.error(provider: .virtualbox, lines: lines, logFile: "/l")
            #expect(folder.remedy.contains("machine.vagrant.synced_folder: none"))
        }
    }
}
