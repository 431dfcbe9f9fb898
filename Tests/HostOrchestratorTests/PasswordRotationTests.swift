import Shared
import TestSupport
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

    /// A wrong directory would get a machine and a cluster of its own.
    @Test func whereNoClusterWasMadeNothingIsBegun() async {
        let host = TestHost(ScriptedMachine())
        let error = await #expect(throws: PgafError.self) {
            try await PasswordRotation.run([], Up.Options(progress: .plain), in: host.context())
        }
        #expect(error?.code == .clusterNotFound && error?.remedy.contains("`pgaf-host up`") == true)
        #expect(host.machine.story.isEmpty && host.scratch.everything().isEmpty)
    }

    @Test func aCancelledRotationSaysHowItGoesOn() async throws {
        let host = TestHost(
            ScriptedMachine { request, emit in
                let error = PgafError(.cancelled, "c", remedy: "r")
                try await ScriptedAgent(run: request.run, emit: emit)
                    .send([.result(RunResult(status: .cancelled, error: error))])
                return .exited(130)
            })
        try host.scratch.project.prepare()
        try ClusterMemory(host.configuration).save(in: host.scratch.project)
        let failure = await #expect(throws: ReportedFailure.self) {
            try await PasswordRotation.run([], Up.Options(progress: .plain), in: host.context())
        }
        #expect(failure?.exitCode == 130)
        #expect(host.errors.text.contains("Run `pgaf-host passwords rotate` to go on where it stopped."))
    }
}
