import Foundation
import Shared
import Synchronization
import TestSupport
import Testing

@testable import HostOrchestrator

/// `bundle create` and `up --bundle` around a computer and a machine that are scripted.
@Suite struct BundleVerbTests {
    private func host(
        _ supplies: String, kind: MachineSettings.Kind = .ssh,
        onRequest: @escaping @Sendable (Request) -> Void = { _ in }
    ) -> TestHost {
        let machine = ScriptedMachine(
            verbs: [
                "pgaf-supplies": { _, emit in
                    try await emit(.standardOutput(Array(supplies.utf8)))
                    return .exited(0)
                }
            ]
        ) { request, emit in
            onRequest(request)
            try await ScriptedAgent(run: request.run, emit: emit).send(ScriptedAgent.happy(.changed))
            return .exited(0)
        }
        var host = TestHost(machine)
        host.configuration.machine.kind = kind
        return host
    }

    private static let bare = "distribution=debian\ncodename=bookworm\narchitecture=x86_64\n"

    private func options(_ file: String) -> Up.Options {
        var options = Up.Options(progress: .plain)
        options.bundle = file
        return options
    }

    private func uploads(_ host: TestHost) -> [String] { host.machine.story.filter { $0.hasPrefix("upload") } }

    @Test func upSendsTheBundlesAgentAndWhatTheMachineLacks() async throws {
        let request = Mutex<Request?>(nil)
        let host = host(Self.bare) { seen in request.withLock { $0 = seen } }
        let file = try await SampleBundle.make(in: host.scratch.path)
        #expect(try await host.up(options(file)) == 0)
        #expect(
            uploads(host) == [
                "upload to /usr/local/bin/pgaf-agent, mode 755, as root",
                "upload to /var/lib/pgaf/bundle/images.tar.gz, mode 600, as root",
                "upload to /var/lib/pgaf/bundle/packages.tar, mode 600, as root",
            ])
        let seen = try #require(request.withLock { $0 })
        // The agent decides, as it does for every other `up`.
        #expect(seen.options.bundle && seen.configuration.packages.source == .auto)
        let project = host.scratch.project
        #expect(
            host.scratch.text(project.bundledAgent) == "#!/bin/sh\n" && host.scratch.mode(project.bundledAgent) == 0o700
        )
        #expect(!MachineFiles().exists(project.bundleParts))
    }

    @Test func whatTheMachineHasIsNotSent() async throws {
        let host = host(Self.bare + "docker=yes\npsql=yes\nbase=sha256:1\nhash=h\n") { #expect($0.options.bundle) }
        let file = try await SampleBundle.make(in: host.scratch.path)
        #expect(try await host.up(options(file)) == 0)
        #expect(uploads(host) == ["upload to /usr/local/bin/pgaf-agent, mode 755, as root"])
    }

    @Test func withoutABundleNothingOfItIsAskedFor() async throws {
        let host = host(Self.bare) { #expect(!$0.options.bundle) }
        #expect(try await host.up() == 0)
        #expect(!host.machine.executed.contains { $0.arguments.contains("pgaf-supplies") })
    }

    @Test func whatDoesNotFitIsRefusedBeforeAnythingIsTouched() async throws {
        let host = host(Self.bare)
        let file = try await SampleBundle.make(in: host.scratch.path) { $0.pgaf = "0.0.9" }
        let version = await #expect(throws: PgafError.self) { try await host.up(options(file)) }
        #expect(version?.code == .bundleUnfit && version?.code.exitCode == 78)
        let missing = await #expect(throws: PgafError.self) { try await host.up(options("none.tar")) }
        #expect(missing?.code == .fileFailed && missing?.message.contains("\(host.scratch.path)/none.tar") == true)
        #expect(host.machine.story == [] && !MachineFiles().exists(host.scratch.project.state))
    }

    @Test func aMachineForWhichItIsNotGetsNothing() async throws {
        let host = host("distribution=ubuntu\ncodename=noble\narchitecture=x86_64\n")
        let file = try await SampleBundle.make(in: host.scratch.path)
        #expect(try await host.up(options(file)) == 78)
        #expect(host.errors.text.contains("(ubuntu noble) lacks Docker and psql"))
        // Not even the agent, in the place of one that works there.
        #expect(uploads(host).isEmpty && host.machine.executed.last?.arguments.last != "up")
        #expect(!MachineFiles().exists(host.scratch.project.bundledAgent))
    }

    /// Its PostgreSQL is another one than the bundle's.
    @Test func aClusterFromPGDGIsRefusedBeforeAnythingIsSent() async throws {
        let host = host(Self.bare + "source=pgdg\n")
        let file = try await SampleBundle.make(in: host.scratch.path)
        #expect(try await host.up(options(file)) == 78)
        #expect(host.errors.text.contains("has its software from the package source pgdg"))
        #expect(host.errors.text.contains("Leave `--bundle` out where the machine reaches its repositories"))
        let question = host.machine.executed.first { $0.arguments.contains("pgaf-supplies") }
        #expect(question?.arguments.last == "pgaf")
        #expect(uploads(host).isEmpty && host.machine.executed.last?.arguments.last != "up")
        // What is removed does not count.
        var fresh = options(file)
        fresh.fresh = true
        fresh.yes = true
        #expect(try await host.up(fresh) == 0)
    }

    @Test func laterVerbsFindTheAgentThatABundleLeft() async throws {
        var host = host(Self.bare, kind: .local)
        host.environment["PGAF_AGENT"] = nil
        let none = #expect(throws: PgafError.self) { try host.context().agentBinary() }
        #expect(none?.code == .agentMissing)
        #expect(try await host.up(options(try await SampleBundle.make(in: host.scratch.path))) == 0)
        #expect(try host.context().agentBinary() == host.scratch.project.bundledAgent)
        // The one that somebody names is the only one.
        host.environment["PGAF_AGENT"] = "/nowhere"
        #expect(throws: PgafError.self) { try host.context().agentBinary() }
    }

    @Test func theBoxIsGivenToVagrantAndNotAskedFor() async throws {
        let tools = BoxTools()
        var host = host("architecture=x86_64\ndocker=yes\npsql=yes\nbase=sha256:1\nhash=h\n", kind: .vagrant) {
            // What is remembered of the configuration is what it was.
            #expect($0.configuration.machine.vagrant.box == nil)
        }
        host.runner = tools
        host.configuration.machine.vagrant.provider = .libvirt
        let box = "\(host.scratch.path)/a.box"
        try MachineFiles().write("box", to: box)
        let (digest, size) = try await TarWriter().digest(box)
        let file = try await SampleBundle.make(in: host.scratch.path, [.init("libvirt.box", .file(box))]) {
            $0.members.append(.init(name: "libvirt.box", size: size, sha256: digest))
        }
        #expect(try await host.up(options(file)) == 0)
        let parts = host.scratch.project.bundleParts
        #expect(tools.boxes == [["box", "add", "--force", "--no-color", "--name", Box.name, "\(parts)/libvirt.box"]])
        #expect(host.machine.meant.withLock { $0.map(\.machine.vagrant.box) } == [Box.name])
    }

    /// It would be made without the images, which such a bundle has in its box alone.
    @Test func aBoxThatIsNotTheBundlesIsToldBeforeAMachineIsMade() async throws {
        let tools = BoxTools()
        var host = host(Self.bare + "docker=yes\npsql=yes\nbase=sha256:1\nhash=h\n", kind: .vagrant)
        host.runner = tools
        host.configuration.machine.vagrant.provider = .virtualbox
        let file = try await SampleBundle.make(in: host.scratch.path)
        #expect(try await host.up(options(file)) == 0)
        #expect(host.errors.text.hasPrefix("The box bento/debian-13 is not in the bundle: Vagrant downloads it"))
        #expect(host.errors.text.contains("It has to be debian bookworm, or to have Docker and psql in it."))
        let story = host.machine.story
        let without = try await SampleBundle.make(in: host.scratch.path) { $0.images = nil }
        let error = await #expect(throws: PgafError.self) { try await host.up(options(without)) }
        #expect(error?.code == .bundleUnfit && error?.remedy.contains("--without-box") == true)
        #expect(host.machine.story == story && tools.boxes.isEmpty)
    }

    @Test func anotherArchitectureIsToldBeforeAMachineIsMade() async throws {
        var host = host(Self.bare, kind: .vagrant)
        // As macOS says it.
        host.runner = BoxTools(architecture: "arm64")
        host.configuration.machine.vagrant.provider = .virtualbox
        let file = try await SampleBundle.make(in: host.scratch.path)
        let error = await #expect(throws: PgafError.self) { try await host.up(options(file)) }
        #expect(error?.code == .bundleUnfit)
        #expect(error?.message == "The bundle is for x86_64, this computer is aarch64.")
        #expect(host.machine.story.isEmpty && !MachineFiles().exists(host.scratch.project.state))
    }

    @Test func whereABoxComesFrom() {
        var manifest = BundleManifest(made: "", architecture: "x86_64", settings: [], members: [])
        var settings = VagrantSettings()
        #expect(manifest.otherBox(settings, .libvirt)?.contains("`pgaf-host box build`") == true)
        let download = manifest.otherBox(settings, .virtualbox)
        #expect(download?.hasSuffix("`vagrant box add --name bento/debian-13 FILE`).") == true)
        manifest.members = [.init(name: "libvirt.box", size: 1, sha256: "")]
        #expect(manifest.otherBox(settings, .libvirt) == nil && manifest.otherBox(settings, .virtualbox) != nil)
        settings.box = "own/box"
        #expect(manifest.otherBox(settings, .libvirt)?.contains("The box own/box is not in the bundle") == true)
    }

    @Test func whatIsPacked() {
        var debian = SampleBundle.debian
        #expect(BundleCreate.parts(debian, nil) == [.images, .packages])
        #expect(BundleCreate.parts(debian, .init(built: false, file: "b", images: true)) == [.box])
        #expect(BundleCreate.parts(debian, .init(built: false, file: "b", images: false)) == [.box, .images])
        debian.image.tag = "own"
        #expect(BundleCreate.parts(debian, .init(built: false, file: "b", images: true)) == [.box, .images])
    }

    @Test func theCommandLinesOfABundle() {
        let commands = BundleCommand(work: "/w x", agent: "/a", variables: ["PGAF_NODES", "PGAF_AGENT"], isRoot: false)
        #expect(
            commands.prepare(["image.tag=x y"]).arguments == [
                "-n", "env", "--unset=PGAF_AGENT", "--unset=PGAF_NODES", "/a", "prepare", "--set", "image.tag=x y",
            ])
        #expect(commands.packageNames([]).arguments.suffix(3) == ["/a", "prepare", "--packages"])
        let save = commands.save(["a:1", "b:2"])
        #expect(save.executable == "sudo")
        #expect(save.arguments.suffix(5) == ["pgaf-save", "/w x/images.tar", "/w x", "a:1", "b:2"])
        #expect(
            commands.download(["docker.io"]).arguments == [
                "-o", "Debug::NoLocking=true", "-o", "Dir::State::status=/w x/status", "-o",
                "Dir::Cache::archives=/w x/packages", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3",
                "install", "--yes", "--no-install-recommends", "--download-only", "docker.io",
            ])
        #expect(commands.inputs(["a=b"]).arguments.suffix(5) == ["/a", "prepare", "--inputs", "--set", "a=b"])
        #expect(commands.update.arguments == ["-n", "apt-get", "update"])
        let proxied = BundleCommand(work: "/w", agent: "/a", proxy: "http://p:1", isRoot: true)
        let proxy = ["-o", "Acquire::http::Proxy=http://p:1", "-o", "Acquire::https::Proxy=http://p:1"]
        #expect(proxied.update.executable == "apt-get" && proxied.update.arguments == proxy + ["update"])
        let rest = ["install", "--yes", "--no-install-recommends", "--download-only", "a"]
        #expect(Array(proxied.download(["a"]).arguments.suffix(9)) == proxy + rest)
    }

    @Test func mirrorsAndProxyReachWhatFetches() async throws {
        var host = host("")
        let tools = MakingTools(work: host.scratch.project.bundleParts)
        host.runner = tools
        host.configuration.packages[.debian] = "http://m.example/debian"
        host.configuration.packages[.proxy] = "http://p.example:3128"
        try await BundleCreate.run(BundleCreate.Options(output: "made.tar", progress: .plain), in: host.context())
        let prepare = try #require(tools.commands.first { $0.contains("prepare") })
        #expect(
            prepare.suffix(4) == [
                "--set", "packages.mirrors.debian=http://m.example/debian", "--set",
                "packages.proxy=http://p.example:3128",
            ])
        let download = try #require(tools.commands.first { $0.contains("--download-only") })
        #expect(download.contains("Acquire::http::Proxy=http://p.example:3128"))
        let manifest = try Bundle("\(host.scratch.path)/made.tar").manifest
        #expect(manifest.settings == BundleSettings.of(SampleBundle.debian))
    }

    @Test func createPacksWhatTheToolsMake() async throws {
        var host = host("")
        host.runner = MakingTools(work: host.scratch.project.bundleParts)
        let output = "\(host.scratch.path)/made.tar"
        try await BundleCreate.run(BundleCreate.Options(output: "made.tar", progress: .plain), in: host.context())
        let bundle = try Bundle(output)
        try await bundle.verify()
        #expect(bundle.manifest.members.map(\.name) == ["pgaf-agent", "images.tar.gz", "packages.tar"])
        #expect(bundle.manifest.images == .init(base: "sha256:1", hash: "h") && bundle.manifest.inputs == "i")
        #expect(bundle.manifest.packages?.names == ["docker.io", "postgresql-client"])
        #expect(!MachineFiles().exists(host.scratch.project.bundleParts))
        #expect(host.output.text.contains("have to be debian bookworm") && host.output.text.contains("up --bundle"))
        let packages = "\(host.scratch.path)/packages.tar"
        try await bundle.extract(.packages, to: packages, mode: .ownerReadWrite)
        let index = try await SubprocessRunner().run(Command("tar", ["-xOf", packages, "Packages"]))
        #expect(index.standardOutput.contains("Package: a\nFilename: ./a_1-2_all.deb\nSize: 3\n"))
    }

    @Test func aBundleThatCannotBeMadeLeavesNothing() async throws {
        var host = host("")
        host.runner = MakingTools(work: host.scratch.project.bundleParts, failing: "download-only")
        let error = await #expect(throws: ReportedFailure.self) {
            try await BundleCreate.run(BundleCreate.Options(progress: .plain), in: host.context())
        }
        #expect(error?.exitCode == 69 && host.errors.text.contains("bundle.failed"))
        #expect(!MachineFiles().list(host.scratch.path).contains { $0.contains("pgaf-bundle") })
        #expect(!MachineFiles().exists(host.scratch.project.bundleParts))
    }
}

/// libvirt with Vagrant, which takes boxes.
private final class BoxTools: CommandRunner {
    /// What the kernel calls this computer's.
    private let architecture: String
    private let seen = Mutex<[[String]]>([])
    var boxes: [[String]] { seen.withLock { $0 } }

    init(architecture: String = "x86_64") { self.architecture = architecture }

    func run(_ command: Command, onLine: (@Sendable (String) async -> Void)?) async throws -> CommandResult {
        if command.executable == "uname" { return CommandResult(standardOutput: "\(architecture)\n") }
        if command.arguments.first == "box" { seen.withLock { $0.append(command.arguments) } }
        return CommandResult(standardOutput: command.arguments == ["plugin", "list"] ? "vagrant-libvirt (0.11)\n" : "")
    }
}

/// Makes the files that Docker, apt and the agent would.
private final class MakingTools: CommandRunner {
    private let work: String
    private let failing: String?
    private let seen = Mutex<[[String]]>([])
    var commands: [[String]] { seen.withLock { $0 } }

    init(work: String, failing: String? = nil) {
        self.work = work
        self.failing = failing
    }

    func run(_ command: Command, onLine: (@Sendable (String) async -> Void)?) async throws -> CommandResult {
        let words = [command.executable] + command.arguments
        seen.withLock { $0.append(words) }
        if let failing, words.contains("--\(failing)") { return CommandResult(status: 100, standardError: "E: no\n") }
        if words.contains("pgaf-supplies") {
            return CommandResult(
                standardOutput: "distribution=debian\ncodename=bookworm\narchitecture=x86_64\nbase=sha256:1\nhash=h\n")
        }
        if words.contains("--inputs") { return CommandResult(standardOutput: "i\n") }
        if words.contains("--packages") { return CommandResult(standardOutput: "docker.io\npostgresql-client\n") }
        if words.contains("pgaf-save") { try MachineFiles().write("images", to: "\(work)/images.tar.gz") }
        if words.contains("--download-only") { try MachineFiles().write("deb", to: "\(work)/packages/a_1%3a2_all.deb") }
        if words.contains("--field") { return CommandResult(standardOutput: "Package: a\n") }
        return CommandResult()
    }
}
