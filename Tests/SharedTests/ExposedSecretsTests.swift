import Shared
import TestSupport
import Testing

/// What the user keeps secrets in and others may read.
@Suite struct ExposedSecretsTests {
    private let scratch = ScratchDirectory()

    @Test func whatOthersMayReadIsToldAndNotRefused() async throws {
        let files = MachineFiles(root: scratch.path)
        for folder in ["/open", "/certificates"] { try files.makeDirectory(folder, mode: 0o755) }
        try files.makeDirectory("/closed")
        for (path, mode) in [
            ("/open/readable", UInt16(0o644)), ("/open/kept", 0o600), ("/closed/readable", 0o644),
            ("/certificates/monitor_node.key", 0o644), ("/certificates/pgnode1.key", 0o600),
            ("/certificates/pgnode2.crt", 0o644),
        ] { try files.write("secret\n", to: path, mode: mode) }
        var configuration = Configuration()
        configuration.access.certificates = "/certificates"
        configuration.passwords.superuser = .file("readable")
        configuration.passwords.monitor = .file("readable")
        configuration.passwords.replication = .file("/open/kept")
        configuration.passwords.client = .file("~/readable")
        let told = files.exposedSecrets(configuration, directory: "/open", home: "/closed")
        #expect(told.count == 2)
        #expect(told.first?.hasPrefix("/certificates/monitor_node.key ") == true)
        #expect(told.last?.contains("`chmod go-r /open/readable`") == true)

        let store = PasswordStore(
            file: "/store", directory: "/open", environment: ["HOME": "/closed"], files: files)
        #expect(try await store.resolve(configuration.passwords, missing: .refused).superuser == Secret("secret"))
    }

    @Test func whatIsMadeOrNotThereIsNotTold() {
        var configuration = Configuration()
        #expect(MachineFiles(root: scratch.path).exposedSecrets(configuration, directory: "/", home: nil).isEmpty)
        configuration.passwords.superuser = .file("none")
        configuration.passwords.monitor = .environment("HOME")
        #expect(MachineFiles(root: scratch.path).exposedSecrets(configuration, directory: "/", home: nil).isEmpty)
    }
}
