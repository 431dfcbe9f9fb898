import Shared
import Testing

@testable import GuestAgent

/// What the machine lacks comes from a bundle's parts, and nothing is made or asked of an archive.
@Suite struct BundlePartsTests {
    private let machine = TestMachine()

    private func context() -> AgentContext {
        var context = machine.context()
        context.bundle = true
        return context
    }

    @Test func imagesAreLoadedAndNeitherMadeNorPulled() async throws {
        try machine.place(BundlePlace.images)
        machine.runner.on("docker", "load")
        for step in [BaseImageStep() as any Step, ImageStep()] {
            try await step.apply([Change(.create, "image", "")], context())
        }
        let load = ["docker", "load", "--quiet", "--input", "/var/lib/pgaf/bundle/images.tar.gz"]
        #expect(machine.runner.lines == [load, load])
    }

    @Test func packagesComeFromTheirRepositoryAlone() async throws {
        try machine.place(BundlePlace.packages)
        machine.runner.on("tar").on("apt-get")
        try await PsqlClientStep().apply([Change(.create, "package", "")], context())
        #expect(
            machine.runner.lines.first == [
                "tar", "-xf", "/var/lib/pgaf/bundle/packages.tar", "-C", "/var/lib/pgaf/bundle/repository",
            ])
        let end = [
            "-o", "Dir::Etc::SourceList=/var/lib/pgaf/bundle/sources.list", "-o", "Dir::Etc::SourceParts=/dev/null",
            "-o", "Dir::State::Lists=/var/lib/pgaf/bundle/lists", "-o", "APT::Sandbox::User=root", "install", "--yes",
            "--no-install-recommends", "postgresql-client",
        ]
        #expect(machine.runner.lines.count == 2)
        #expect(machine.runner.lines.last?.suffix(end.count) == end[...])
        #expect(
            try machine.files.read("/var/lib/pgaf/bundle/sources.list")
                == "deb [trusted=yes] file:/var/lib/pgaf/bundle/repository ./\n")
        #expect(machine.files.exists("/var/lib/pgaf/bundle/lists/partial"))
    }

    /// The lists of that repository are fetched in the same way, and no others.
    @Test func theListsAreThoseOfTheBundle() async throws {
        let runner = ScriptedRunner().on("apt-get") {
            CommandResult(status: $0.arguments.contains("install") ? 100 : 0)
        }
        _ = await #expect(throws: PgafError.self) {
            try await Apt(runner: runner, source: BundleParts.aptSource).install(["a"]) { _ in }
        }
        #expect(runner.lines.count == 3)
        for line in runner.lines { #expect(line.contains("Dir::Etc::SourceParts=/dev/null")) }
    }

    @Test func partsThatAreNotThereAreAnError() async throws {
        let images = await #expect(throws: PgafError.self) { try await ImageStep().apply([], context()) }
        #expect(images?.code == .bundleUnfit && images?.remedy.contains("--without-box") == true)
        let packages = await #expect(throws: PgafError.self) { try await PsqlClientStep().apply([], context()) }
        #expect(packages?.code == .bundleUnfit && machine.runner.lines.isEmpty)
    }

    @Test func thePackagesOfAMachine() throws {
        var configuration = Configuration()
        configuration.packages.source = .debian
        try machine.place("/etc/os-release", "ID=debian\nVERSION_CODENAME=bookworm\n")
        #expect(try PrepareRun.packages(configuration, files: machine.files) == ["docker.io", "postgresql-client"])
        try machine.place("/etc/os-release", "ID=debian\nVERSION_CODENAME=trixie\n")
        #expect(
            try PrepareRun.packages(configuration, files: machine.files) == [
                "docker.io", "docker-cli", "postgresql-client",
            ])
        #expect(throws: PgafError.self) { try PrepareRun.packages(Configuration(), files: machine.files) }
    }
}
