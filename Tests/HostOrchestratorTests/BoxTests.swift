import Foundation
import Shared
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
            sources == [
                "deb http://mirror.example/debian trixie main", "deb http://mirror.example/debian trixie-updates main",
                "deb http://mirror.example/debian-security trixie-security main",
            ])
    }

    @Test func asksForWhatIsConfiguredWhenNothingIsDownloaded() {
        #expect(
            BoxSources.question(downloaded: false).arguments == [
                "indextargets", "--no-release-info", "--format", "$(SITE)|$(RELEASE)|$(COMPONENT)|$(LABEL)",
                "Created-By: Packages",
            ])
        #expect(
            BoxSources.parse("http://m.example/d|bookworm|main|$(LABEL)\nhttp://m.example/d|bookworm|main|$(LABEL)")
                == ["deb http://m.example/d trixie main"])
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

    @Test func theManifestIsWhatVagrantReads() throws {
        let recipe = BoxRecipe(sources: [], publicKey: "k")
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(recipe.metadata.utf8)) as? [String: Any])
        #expect(object["provider"] as? String == "libvirt" && object["format"] as? String == "qcow2")
        #expect(object["virtual_size"] as? Int == 20 && object["pgaf_inputs"] as? String == recipe.hash)
    }

    @Test func theBootstrapIsOneCommand() {
        let arguments = BoxCommand(work: "/w x").bootstrap(bootCode: "/mbr.bin").arguments
        #expect(
            arguments == [
                "--mode=auto", "--variant=minbase", "--format=null",
                "--include=" + BoxRecipe.packages.joined(separator: ","), "--dpkgopt=path-exclude=/usr/share/doc/*",
                "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
                "--dpkgopt=path-exclude=/usr/share/info/*", "--essential-hook=sh '/w x/prepare.sh' \"$1\" ",
                "--customize-hook=sh '/w x/proc.sh' \"$1\" ",
                "--customize-hook=sh '/w x/customize.sh' \"$1\" '/w x/vagrant.pub' '/w x/out/base.tar'"
                    + " '/var/cache/pgaf/base-trixie.tar'",
                "--customize-hook=sh '/w x/image.sh' \"$1\" '/w x/out' '20480' '/mbr.bin' '\(BoxRecipe.commandLine)'",
                "trixie", "/dev/null", "/w x/sources.list",
            ])
        #expect(
            BoxCommand(work: "/w").pack(into: "/b").arguments
                == ["-C", "/w", "-cf", "/b", "metadata.json", "Vagrantfile", "box.img", "-C", "/w/out", "vmlinuz"])
    }

    @Test(arguments: [
        ("E: Failed to fetch http://m.example/x  Could not connect", ErrorCode.archiveUnreachable),
        ("dpkg: error: No space left on device", .diskFull), ("E: something else", .boxBuildFailed),
    ]) func failuresAreToldApart(_ line: String, _ code: ErrorCode) {
        #expect(BoxBuilder.failure(CommandResult(status: 1, standardError: line)).code == code)
    }

    /// The scripts are POSIX shell: dash, which mmdebstrap's hooks run in, must parse them.
    @Test(arguments: ["prepare", "proc", "customize", "image"]) func theScriptsParse(_ name: String) async throws {
        let scripts = [
            "prepare": BoxScript.prepare, "proc": BoxScript.proc, "customize": BoxScript.customize,
            "image": BoxScript.image,
        ]
        let script = try #require(scripts[name])
        let result = try await SubprocessRunner().run(Command("sh", ["-n"], input: Secret(script)))
        #expect(result.succeeded, "\(result.standardError)")
    }
}
