import Foundation
import Shared
import TestSupport
import Testing

@testable import HostOrchestrator

@Suite struct BoxTests {
    @Test func theArchiveIsThisMachinesOwn() {
        let sources = BoxSources.parse(
            """
            http://mirror.example/debian-security|bookworm-security|main|Debian-Security
            http://mirror.example/debian|bookworm-updates|main|Debian
            http://mirror.example/debian|bookworm|main|Debian
            http://mirror.example/debian|bookworm|contrib|Debian
            http://mirror.example/debian|bookworm-backports|main|Debian Backports
            http://other.example/apt|bookworm|main|Somebody
            http://third.example/node|nodistro|main|. nodistro
            """)
        #expect(
            sources
                == [
                    "http://mirror.example/debian trixie main", "http://mirror.example/debian trixie-updates main",
                    "http://mirror.example/debian-security trixie-security main",
                ].map { "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \($0)" })
    }

    @Test func asksForWhatIsConfiguredWhenNothingIsDownloaded() {
        #expect(
            BoxSources.question(downloaded: false).arguments == [
                "indextargets", "--no-release-info", "--format", "$(SITE)|$(RELEASE)|$(COMPONENT)|$(LABEL)",
                "Created-By: Packages",
            ])
        #expect(
            BoxSources.parse("http://m.example/d|bookworm|main|$(LABEL)\nhttp://m.example/d|bookworm|main|$(LABEL)")
                == [BaseSystem.source("http://m.example/d", "trixie")])
    }

    @Test func withoutAnArchiveThereIsNone() {
        #expect(BoxSources.parse("http://m.example/s|bookworm-security|main|Debian-Security").isEmpty)
        #expect(BoxSources.parse("").isEmpty)
    }

    @Test func theHashFollowsTheInputs() {
        let recipe = BoxRecipe(sources: ["deb http://a trixie main"], publicKey: "ssh-rsa A")
        var other = recipe
        #expect(recipe.hash == other.hash && recipe.hash.count == 16)
        other.publicKey = "ssh-rsa B"
        #expect(recipe.hash != other.hash)
        other = recipe
        other.sources = ["deb http://b trixie main"]
        #expect(recipe.hash != other.hash)
    }

    @Test func theHashFollowsWhatTheImagesAreMadeFrom() {
        let plain = BoxRecipe(sources: ["deb http://a trixie main"], publicKey: "ssh-rsa A")
        var recipe = plain
        recipe.images = "1"
        var other = recipe
        other.images = "2"
        #expect(Set([plain.hash, recipe.hash, other.hash]).count == 3)
        #expect(recipe.plain == plain && plain.plain == plain)
    }

    @Test func whatIsInTheCacheWillDoAsWished() {
        let plain = BoxRecipe(sources: [], publicKey: "k")
        let best = BoxRecipe(sources: [], publicKey: "k", images: "1")
        #expect(BoxBuilder.Wish.usable.acceptable(best) == [best, plain])
        #expect(BoxBuilder.Wish.usable.acceptable(plain) == [plain])
        #expect(BoxBuilder.Wish.best.acceptable(best) == [best])
        #expect(BoxBuilder.Wish.again.acceptable(best).isEmpty)
    }

    @Test func ofFormerBoxesTheLatestIsKept() throws {
        let home = ScratchDirectory()
        let builder = BoxBuilder(environment: ["XDG_CACHE_HOME": home.path, "HOME": home.path]) { "" }
        try FileManager.default.createDirectory(atPath: builder.cache, withIntermediateDirectories: true)
        let hours = [
            "pgaf-debian-13-a.box": 30, "pgaf-debian-13-b.box": 10, "pgaf-debian-13-c.box": 20,
            "pgaf-debian-13-new.box": 60, "other.box": 90,
        ]
        for (name, age) in hours {
            let path = "\(builder.cache)/\(name)"
            try name.write(toFile: path, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSinceNow: -Double(age) * 3600)], ofItemAtPath: path)
        }
        builder.removeFormerBoxes(than: "\(builder.cache)/pgaf-debian-13-new.box")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: builder.cache).sorted() == [
                "other.box", "pgaf-debian-13-b.box", "pgaf-debian-13-new.box",
            ])
    }

    @Test func theManifestIsWhatVagrantReads() throws {
        let recipe = BoxRecipe(sources: [], publicKey: "k")
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(recipe.metadata.utf8)) as? [String: Any])
        #expect(object["provider"] as? String == "libvirt" && object["format"] as? String == "qcow2")
        #expect(object["virtual_size"] as? Int == 20 && object["pgaf_inputs"] as? String == recipe.hash)
    }

    /// The hooks before and after the one that makes the images.
    private static let bootstrap = (
        [
            "--mode=auto", "--variant=minbase", "--format=null",
            "--include=" + BoxRecipe.packages.joined(separator: ","), "--dpkgopt=path-exclude=/usr/share/doc/*",
            "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
            "--dpkgopt=path-exclude=/usr/share/info/*", "--essential-hook=sh '/w x/prepare.sh' \"$1\" ",
            "--customize-hook=sh '/w x/proc.sh' \"$1\" ",
            "--customize-hook=sh '/w x/customize.sh' \"$1\" '/w x/vagrant.pub' '/w x/out/base.tar'"
                + " '/var/cache/pgaf/base-trixie.tar'",
        ],
        [
            "--customize-hook=sh '/w x/image.sh' \"$1\" '/w x/out' '20480' '/mbr.bin' '\(BoxRecipe.commandLine)'",
            "trixie", "/dev/null", "/w x/sources.list",
        ]
    )

    @Test func theBootstrapIsOneCommand() {
        #expect(
            BoxCommand(work: "/w x").bootstrap(bootCode: "/mbr.bin", agent: nil).arguments
                == Self.bootstrap.0 + Self.bootstrap.1)
        #expect(
            BoxCommand(work: "/w").pack(into: "/b").arguments
                == ["-C", "/w", "-cf", "/b", "metadata.json", "Vagrantfile", "box.img", "-C", "/w/out", "vmlinuz"])
    }

    @Test func theImagesAreMadeInAHookOfTheirOwn() {
        let hook =
            "--customize-hook=sh '/w x/images.sh' \"$1\" '/w x/out' '/the agent' 'pgaf-box-w x'"
            + " '/var/cache/pgaf/base-trixie.tar'"
        #expect(
            BoxCommand(work: "/w x").bootstrap(bootCode: "/mbr.bin", agent: "/the agent").arguments
                == Self.bootstrap.0 + [hook] + Self.bootstrap.1)
        let inputs = BoxCommand.imageInputs(agent: "/the agent")
        #expect(inputs.executable == "env")
        #expect(inputs.arguments == ["-i", "/the agent", "prepare", "--inputs", "--set", "packages.source=debian"])
        #expect(BoxScript.engine.contains("/run/pgaf-agent prepare --set packages.source=debian "))
    }

    @Test func saysWhyTheImagesAreMissing() {
        let result = CommandResult(
            standardOutput: "image: failed: The image a:b could not be built.\n", standardError: "W: something\n")
        #expect(
            BoxBuilder.withoutImages(result)
                == "the image of the cluster's nodes could not be put into the box (image: failed: The image a:b could"
                + " not be built.): each machine makes it by itself")
        #expect(
            BoxBuilder.withoutImages(CommandResult())
                == "the image of the cluster's nodes could not be put into the box: each machine makes it by itself")
    }

    @Test func theStagesOfABuild() async {
        let sink = ProgressRecord()
        let progress = BoxProgress(sink)
        for line in [
            "I: downloading packages with apt...", "I: whatever",
            "I: running --customize-hook in shell: sh -c 'sh '/w/images.sh' \"$1\" '/w/out'' exec /tmp/x",
            "I: running --customize-hook in shell: sh -c 'sh '/w/image.sh' \"$1\" '/w/out'' exec /tmp/x",
        ] {
            await progress.take(line)
        }
        await progress.note("by the way")
        #expect(
            sink.messages == [
                "making the box: downloading the base system",
                "making the box: making the image of the cluster's nodes",
                "making the box: making its disk", "by the way",
            ])
        #expect(sink.fractions == sink.fractions.sorted() && sink.fractions.count == 4)
    }

    @Test(arguments: [
        ("E: Failed to fetch http://m.example/x  Could not connect", ErrorCode.archiveUnreachable),
        ("dpkg: error: No space left on device", .diskFull), ("E: something else", .boxBuildFailed),
    ]) func failuresAreToldApart(_ line: String, _ code: ErrorCode) {
        #expect(BoxBuilder.failure(CommandResult(status: 1, standardError: line)).code == code)
    }

    /// The scripts are POSIX shell: dash, which mmdebstrap's hooks run in, must parse them.
    @Test(arguments: BoxScript.all.keys.sorted()) func theScriptsParse(_ name: String) async throws {
        let script = try #require(BoxScript.all[name])
        let result = try await SubprocessRunner().run(Command("sh", ["-n"], input: Secret(script)))
        #expect(result.succeeded, "\(result.standardError)")
    }

    @Test func everyScriptThatAHookNamesIsThere() {
        let arguments = BoxCommand(work: "/w").bootstrap(bootCode: "/m", agent: "/a").arguments
        for argument in arguments where argument.contains("-hook=sh '/w/") {
            let name = argument.split(separator: "'")[1].dropFirst(3).dropLast(3)
            #expect(BoxScript.all[String(name)] != nil, "\(name)")
        }
        #expect(BoxScript.images.contains("/engine.sh\"") && BoxScript.all["engine"] != nil)
    }
}
