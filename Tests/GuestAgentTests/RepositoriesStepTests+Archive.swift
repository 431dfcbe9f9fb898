import Shared
import Testing

@testable import GuestAgent

/// A mirror of the Debian archive.
extension RepositoriesStepTests {
    @Test func aMirrorOfTheDebianArchiveIsProvenBeforeAnythingElse() async throws {
        let context = archiveContext()
        let changes = try await step.inspect(context)
        #expect(changes.map(\.description) == ["use http://mirror.example/debian trixie for the images"])
        let files = machine.files
        machine.runner.on("apt-get") { command in
            #expect(command.arguments.last == "update")
            let list = try files.read("/run/pgaf-repository-debian-trixie/sources.list")
            #expect(list == BaseSystem.source("http://mirror.example/debian", "trixie") + "\n")
            return CommandResult()
        }
        let before = machine.runner.lines.count
        try await step.apply(changes, context)
        let lines = machine.runner.lines.dropFirst(before)
        #expect(lines.map(\.first) == ["/usr/lib/apt/apt-helper", "apt-get", "apt-cache"])
        #expect(lines.first?.contains("http://mirror.example/debian/dists/trixie/InRelease") == true)
        #expect(
            lines.last?.suffix(3) == ["postgresql-17", "postgresql-17-auto-failover", "postgresql-17-pglogical"])
        machine.runner.on("/usr/lib/apt/apt-helper", status: 100)
        let error = await #expect(throws: PgafError.self) { try await step.apply(changes, context) }
        #expect(error?.code == .archiveUnreachable && error?.remedy.contains("packages.mirrors.debian") == true)
        #expect(machine.files.list("/run") == ["x"])
    }

    private func archiveContext() -> AgentContext {
        var configuration = Configuration()
        configuration.packages[.debian] = "http://mirror.example/debian"
        return machine.context(TestMachine.topology(configuration))
    }

    /// What the machine's apt says of its lists, of its packages, and of a certificate.
    @Test func aWrongMirrorOfTheDebianArchiveIsToldBeforeAnythingIsInstalled() async throws {
        let context = archiveContext()
        let changes = try await step.inspect(context)
        func refusal() async -> PgafError? {
            let error = await #expect(throws: PgafError.self) { try await step.apply(changes, context) }
            #expect(error?.code == .packagesFailed && error?.remedy.contains("packages.mirrors.debian ") == true)
            #expect(machine.files.list("/run") == ["x"])
            #expect(!machine.runner.lines.contains { $0.contains("install") })
            return error
        }
        machine.runner.on("apt-cache")
        #expect(
            await refusal()?.message.contains(
                "has no postgresql-17, postgresql-17-auto-failover, postgresql-17-pglogical in") == true)
        machine.runner.on("apt-get", status: 100, error: "E: The repository is not signed.\n")
        let unsigned = await refusal()
        #expect(unsigned?.message.contains("is damaged, expired, or not signed by Debian's own keys") == true)
        #expect(unsigned?.output == ["E: The repository is not signed."])
        machine.runner.on("/usr/lib/apt/apt-helper", status: 100, error: "E: certificate verify failed\n")
        #expect(await refusal()?.message.contains("does not trust the certificate behind http://mirror") == true)
    }

    /// Ubuntu has them not.
    @Test func debiansKeysAreInstalledWhereTheyAreMissing() async throws {
        try machine.files.remove(BaseSystem.keyring)
        let context = archiveContext()
        try await step.apply(try await step.inspect(context), context)
        let installed = machine.runner.lines.first { $0.contains("install") }
        #expect(installed?.suffix(2) == ["ca-certificates", "debian-archive-keyring"])
    }

    /// A box has the base image, and what is installed in it comes from the mirror.
    @Test func aMirrorOfTheDebianArchiveIsProvenForTheNodesImageToo() async throws {
        try machine.place(BaseSystem.prepared)
        #expect(try await step.inspect(archiveContext()).count == 1)
    }
}
