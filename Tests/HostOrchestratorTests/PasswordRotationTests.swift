import Shared
import Testing

@testable import HostOrchestrator

@Suite struct PasswordRotationTests {
    @Test func allThatPgafMakesOrThoseThatAreNamed() throws {
        var settings = PasswordSettings()
        #expect(
            try PasswordRotation.names([], settings) == ["superuser", "monitor", "replication", "client"])
        settings.monitor = .environment("PW")
        #expect(try PasswordRotation.names([], settings) == ["superuser", "replication", "client"])
        #expect(try PasswordRotation.names(["replication"], settings) == ["replication"])
    }

    @Test(arguments: ["monitor", "nobody", "../x"])
    func whatCannotBeMadeAnewIsRefused(_ name: String) {
        var settings = PasswordSettings()
        settings.monitor = .command("pass show pgaf")
        let error = #expect(throws: PgafError.self) { try PasswordRotation.names([name], settings) }
        #expect(error?.code == .usage && error?.remedy.isEmpty == false)
    }

    @Test func whereNoneIsMadeThereIsNothingToRotate() {
        var settings = PasswordSettings()
        for path in [\PasswordSettings.superuser, \.monitor, \.replication, \.client] {
            settings[keyPath: path] = .file("/pw")
        }
        #expect(throws: PgafError.self) { try PasswordRotation.names([], settings) }
    }
}
