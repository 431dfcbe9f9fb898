import Shared
import TestSupport
import Testing

@testable import HostOrchestrator

@Suite struct SSHMachineTests {
    private let project = ProjectDirectory(path: "/project")

    @Test func givenKeysBecomeAbsolutePaths() throws {
        var settings = SSHSettings()
        settings.host = "db.example"
        settings.port = 2222
        settings.user = "admin"
        settings.identityFiles = ["~/.ssh/one", "/two", "keys/three"]
        settings.hostKey = "SHA256:abc"
        let machine = try SSHMachine(settings, project: project, home: "/home/me", exists: { _ in false })
        #expect(
            machine.parameters
                == SSHParameters(
                    host: "db.example", port: 2222, user: "admin",
                    identityFiles: ["/home/me/.ssh/one", "/two", "/project/keys/three"], usesAgent: false,
                    knownHostsFile: "/project/.pgaf/known_hosts", expectedHostKey: "SHA256:abc"))
        #expect(machine.description == "machine admin@db.example:2222")
    }

    @Test func withoutGivenKeysTheUsualOnesThatExistAndTheAgentAreTried() throws {
        var settings = SSHSettings()
        settings.host = "db.example"
        let machine = try SSHMachine(
            settings, project: project, home: "/home/me", exists: { $0 != "/home/me/.ssh/id_ecdsa" })
        #expect(machine.parameters.identityFiles == ["/home/me/.ssh/id_ed25519", "/home/me/.ssh/id_rsa"])
        #expect(machine.parameters.usesAgent)
    }

    @Test(arguments: [nil, ""]) func aMissingHostIsAnErrorWithTheKeyToSet(_ host: String?) {
        var settings = SSHSettings()
        settings.host = host
        let error = #expect(throws: PgafError.self) { try SSHMachine(settings, project: project) }
        #expect(error?.code == .configurationInvalid)
        #expect(error?.remedy.contains("machine.ssh.host") == true)
    }

    @Test func publishedPortsAreWhereTheMachineIs() async throws {
        var settings = SSHSettings()
        settings.host = "db.example"
        let machine = try SSHMachine(settings, project: project)
        #expect(try await machine.endpoint(forGuestPort: 5001) == Endpoint(address: "db.example", port: 5001))
        #expect(try await LocalMachine().endpoint(forGuestPort: 5001) == Endpoint(address: "127.0.0.1", port: 5001))
    }

    @Test func fingerprintsAreWhatSSHKeygenPrints() {
        // From `ssh-keygen -lf` for this very key, made for this test.
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBjqBq68QxYZmKX1jfWJysxbbz/s2tVpgceyb212w1KX"
        let text = "# comment\n[127.0.0.1]:2222 \(key)\nhost \(key)\n@revoked x y z\nbroken line\n"
        let found = HostKeyFingerprint.all(inKnownHosts: text)
        #expect(found.map(\.host) == ["127.0.0.1", "host"])
        #expect(found.allSatisfy { $0.fingerprint == "SHA256:LxlILPepFaKpxueY6IKqVC1jN5F7iA88kcSgPen4gYI" })
    }

    @Test func rootNeedsNoSudo() {
        #expect(Elevation.arguments(["id"], isRoot: false) == ["sudo", "-n", "id"])
        #expect(Elevation.arguments(["id"], isRoot: true) == ["id"])
    }
}
