import Foundation
import Shared
import TestSupport
import Testing

@testable import HostOrchestrator

/// A small bundle: what is in its parts matters to nobody here.
enum SampleBundle {
    static let contents: [(BundleManifest.Part, String)] = [
        (.agent, "#!/bin/sh\n"), (.images, String(repeating: "layer", count: 300)), (.packages, "packages"),
    ]
    static let images = BundleManifest.Images(base: "sha256:1", hash: "h")

    static func manifest(_ tar: TarWriter, _ directory: String) async throws -> BundleManifest {
        var manifest = BundleManifest(
            made: "2026-01-02T03:04:05.678Z", architecture: "x86_64", settings: BundleSettings.of(debian),
            images: images,
            packages: .init(release: .init(distribution: "debian", codename: "bookworm"), names: ["docker.io"]),
            members: [])
        for (part, text) in contents {
            try MachineFiles().write(text, to: "\(directory)/\(part.rawValue)")
            let (digest, size) = try await tar.digest("\(directory)/\(part.rawValue)")
            manifest.members.append(.init(name: part.rawValue, size: size, sha256: digest))
        }
        return manifest
    }

    static var debian: Configuration {
        var configuration = Configuration()
        configuration.packages.source = .debian
        return configuration
    }

    /// - Parameters:
    ///   - change: applied to the manifest before it is written.
    ///   - more: further files.
    static func make(
        in directory: String, _ more: [TarWriter.Member] = [],
        _ change: (inout BundleManifest) -> Void = { _ in }
    ) async throws -> String {
        let tar = TarWriter()
        var manifest = try await manifest(tar, directory)
        change(&manifest)
        let text = Array(try JSONText.indented(manifest).utf8)
        let parts = contents.map { TarWriter.Member($0.0.rawValue, .file("\(directory)/\($0.0.rawValue)")) }
        let first = TarWriter.Member(BundleManifest.name, .bytes(text))
        try await tar.write([first] + parts + more, to: "\(directory)/b.tar")
        return "\(directory)/b.tar"
    }
}

@Suite struct BundleTests {
    private let scratch = ScratchDirectory()
    private var file: String { "\(scratch.path)/b.tar" }

    private func failure() async -> PgafError? {
        await #expect(throws: PgafError.self) { try await Bundle(file).verify() }
    }

    @Test func whatIsPackedComesOutAsItWas() async throws {
        let bundle = try Bundle(try await SampleBundle.make(in: scratch.path))
        try await bundle.verify()
        #expect(bundle.manifest.images == SampleBundle.images && !bundle.manifest.has(.box))
        for (part, text) in SampleBundle.contents {
            try await bundle.extract(part, to: "\(scratch.path)/out", mode: [.ownerReadWriteExecute])
            #expect(scratch.text("\(scratch.path)/out") == text && scratch.mode("\(scratch.path)/out") == 0o700)
        }
        #expect(MachineFiles().list(scratch.path).contains { $0.hasSuffix(".partial") } == false)
    }

    /// As those of before there was one.
    @Test func aManifestWithoutTheHashOfItsInputsIsRead() async throws {
        let old = try await SampleBundle.make(in: scratch.path)
        #expect(try Bundle(old).manifest.inputs == nil)
        let new = try await SampleBundle.make(in: scratch.path) { $0.inputs = "i" }
        #expect(try Bundle(new).manifest.inputs == "i")
    }

    /// A bundle can be looked into with the usual program.
    @Test func itIsAPlainTarFile() async throws {
        let file = try await SampleBundle.make(in: scratch.path)
        let listed = try await SubprocessRunner().run(Command("tar", ["-tf", file]))
        #expect(
            listed.trimmedOutput.split(separator: "\n") == [
                "manifest.json", "pgaf-agent", "images.tar.gz", "packages.tar",
            ])
        let agent = try await SubprocessRunner().run(Command("tar", ["-xOf", file, "pgaf-agent"]))
        #expect(agent.standardOutput == "#!/bin/sh\n", "\(agent.standardError)")
    }

    @Test func aBundleThatCannotBeWrittenLeavesTheOldOneAndNothingElse() async throws {
        try MachineFiles().write("old", to: file)
        let error = await #expect(throws: PgafError.self) {
            try await TarWriter().write(
                [.init("a", .bytes([1])), .init("b", .file("\(scratch.path)/missing"))], to: file)
        }
        #expect(error?.code == .fileFailed)
        #expect(MachineFiles().list(scratch.path) == ["b.tar"] && scratch.text(file) == "old")
    }

    /// One bit anywhere but in the blocks that fill up: told before anything is used.
    @Test func aBitThatFlippedAnywhereIsTold() async throws {
        let bytes = try #require(try MachineFiles().bytes(of: try await SampleBundle.make(in: scratch.path)))
        let header = try #require(TarHeader(decoding: Array(bytes[..<512])))
        var place = 0
        while let header = TarHeader(decoding: Array(bytes[place..<place + 512])) {
            for offset in [0, 130, 512, 512 + header.size / 2, 511 + header.size] {
                var damaged = bytes
                damaged[place + offset] ^= 1
                try MachineFiles().write(damaged, to: file)
                let code = await failure()?.code
                #expect(code == .bundleDamaged || (place == 0 && code == .bundleInvalid), "\(header.name) + \(offset)")
            }
            place += 512 + header.size + header.padding
        }
        #expect(header.name == "manifest.json" && place + 1024 == bytes.count)
    }

    @Test(arguments: [0.999, 0.9, 0.5, 0.25]) func aPartOfABundleIsTold(_ fraction: Double) async throws {
        let bytes = try #require(try MachineFiles().bytes(of: try await SampleBundle.make(in: scratch.path)))
        try MachineFiles().write(bytes.prefix(Int(Double(bytes.count) * fraction)), to: file)
        let error = await failure()
        #expect(error?.code == .bundleDamaged && error?.remedy.contains("Copy it again") == true)
    }

    @Test(arguments: ["", "no tar file", String(repeating: "x", count: 2000)]) func anotherFileIsNone(
        _ text: String
    ) async throws {
        try MachineFiles().write(text, to: file)
        #expect(await failure()?.code == .bundleInvalid)
    }

    @Test func whatTheManifestDoesNotNameIsRefused() async throws {
        _ = try await SampleBundle.make(in: scratch.path, [.init("more", .bytes([1]))])
        #expect(await failure()?.code == .bundleInvalid)
        _ = try await SampleBundle.make(in: scratch.path, [.init("pgaf-agent", .bytes([1]))])
        #expect(await failure()?.code == .bundleInvalid)
        _ = try await SampleBundle.make(in: scratch.path) { $0.format = 2 }
        #expect(await failure()?.message.contains("its format is 2") == true)
        _ = try await SampleBundle.make(in: scratch.path) { $0.members.append(.init(name: "x", size: 0, sha256: "")) }
        #expect(await failure()?.code == .bundleDamaged)
    }

    /// Links and directories are nothing that is ever unpacked.
    @Test func anotherKindOfFileIsRefused() {
        var header = TarHeader(name: "a", size: 7).encoded()
        #expect(TarHeader(decoding: header) == TarHeader(name: "a", size: 7))
        header[156] = UInt8(ascii: "2")
        header[153] += 2
        #expect(TarHeader(decoding: header) == nil)
        #expect(TarHeader(name: "a", size: 512).padding == 0 && TarHeader(name: "a", size: 513).padding == 511)
    }
}

@Suite struct BundleFitTests {
    private let manifest = BundleManifest(
        made: "", architecture: "x86_64", settings: BundleSettings.of(SampleBundle.debian), images: SampleBundle.images,
        packages: .init(release: .init(distribution: "debian", codename: "bookworm"), names: ["docker.io"]),
        members: [])

    private func supplies(_ more: String, codename: String = "bookworm") -> MachineSupplies {
        MachineSupplies("distribution=debian\ncodename=\(codename)\narchitecture=x86_64\n\(more)")
    }

    @Test func onlyWhatIsMissingIsSent() throws {
        #expect(try supplies("").needed(of: manifest) == [.images, .packages])
        #expect(try supplies("docker=yes").needed(of: manifest) == [.images, .packages])
        #expect(try supplies("docker=yes\npsql=yes").needed(of: manifest) == [.images])
        #expect(try supplies("docker=yes\npsql=yes\nbase=sha256:1\nhash=h").needed(of: manifest) == [])
        #expect(try supplies("docker=yes\npsql=yes\nbase=sha256:2\nhash=h").needed(of: manifest) == [.images])
        #expect(try supplies("docker=yes\npsql=yes\nbase=sha256:1\nhash=").needed(of: manifest) == [.images])
    }

    @Test func packagesOfAnotherReleaseAreRefusedOnlyWhereTheyAreNeeded() throws {
        #expect(try supplies("docker=yes\npsql=yes", codename: "trixie").needed(of: manifest) == [.images])
        let error = #expect(throws: PgafError.self) {
            try supplies("docker=yes", codename: "trixie").needed(of: manifest)
        }
        #expect(error?.code == .bundleUnfit)
        #expect(
            error?.message
                == "The machine (debian trixie) lacks psql, and the bundle's packages are for debian bookworm.")
    }

    @Test func anotherArchitectureAndMissingPartsAreRefused() {
        let other = MachineSupplies("architecture=aarch64\n")
        let error = #expect(throws: PgafError.self) { try other.needed(of: manifest) }
        #expect(error?.code == .bundleUnfit && error?.message.contains("for x86_64, the machine is aarch64") == true)
        var boxed = manifest
        boxed.images = nil
        boxed.packages = nil
        let none = #expect(throws: PgafError.self) { try supplies("docker=yes\npsql=yes").needed(of: boxed) }
        #expect(none?.code == .bundleUnfit && none?.remedy.contains("--without-box") == true)
    }

    @Test func aBundleWithABoxNeedsNothingMore() throws {
        var boxed = manifest
        boxed.images = nil
        boxed.packages = nil
        #expect(try supplies("docker=yes\npsql=yes\nbase=sha256:2\nhash=h").needed(of: boxed) == [])
    }

    @Test func aBundleWithABoxIsRefusedWhereTheImagesAreOutdated() throws {
        var boxed = manifest
        boxed.images = nil
        boxed.packages = nil
        boxed.inputs = "new"
        let known = "docker=yes\npsql=yes\nbase=sha256:2\nhash=h\ninputs="
        #expect(try supplies(known + "new").needed(of: boxed) == [])
        // Images that do not say it are for the agent to judge.
        #expect(try supplies(known).needed(of: boxed) == [])
        let error = #expect(throws: PgafError.self) { try supplies(known + "old").needed(of: boxed) }
        #expect(error?.code == .bundleUnfit && error?.remedy.contains("--without-box") == true)
        #expect(error?.message.hasPrefix("The machine lacks current images of the cluster's nodes, ") == true)
        // One with images of its own brings them.
        #expect(try supplies(known + "old").needed(of: manifest) == [.images])
    }

    @Test func anotherReleaseOfPgafAndOtherImagesAreRefused() throws {
        try manifest.check(SampleBundle.debian)
        var other = manifest
        other.pgaf = "0.0.9"
        let version = #expect(throws: PgafError.self) { try other.check(SampleBundle.debian) }
        #expect(version?.code == .bundleUnfit && version?.message.contains("pgaf 0.0.9, this program is") == true)
        var configuration = SampleBundle.debian
        configuration.postgres.packages = ["postgresql-%v-cron"]
        let settings = #expect(throws: PgafError.self) { try manifest.check(configuration) }
        #expect(
            settings?.message.contains(#"the configuration postgres.packages=["postgresql-%v-cron"]."#) == true)
        configuration = SampleBundle.debian
        configuration.nodes = NodeSettings.defaults(count: 5)
        try manifest.check(configuration)
    }

    /// What is handed to the agent is read there as it was here.
    @Test func theSettingsAreThoseOfTheConfiguration() throws {
        var configuration = SampleBundle.debian
        configuration.image.base = "debian:13"
        configuration.postgres.version = 17
        configuration.postgres.packages = []
        let overrides = try BundleSettings.of(configuration).map { try ConfigurationOverride(setting: $0) }
        let loaded = try ConfigurationLoader.load(file: nil, environment: [:], overrides: overrides).configuration
        #expect(loaded == configuration)
        var pgdg = Configuration()
        pgdg.packages.source = .pgdg
        let error = #expect(throws: PgafError.self) { try BundleSettings.fromDebian(pgdg) }
        #expect(error?.code == .configurationConflict)
        #expect(try BundleSettings.fromDebian(Configuration()) == SampleBundle.debian)
    }

    /// Where the same comes from is no matter of the bundle's.
    @Test func mirrorsAndProxyAreNoneOfTheSettings() throws {
        var configuration = SampleBundle.debian
        configuration.packages[.debian] = "http://m.example/debian"
        configuration.packages[.registry] = "m.example:5000"
        configuration.packages[.proxy] = "http://p.example:3128"
        #expect(BundleSettings.of(configuration) == BundleSettings.of(SampleBundle.debian))
        let places = BundleSettings.places(configuration)
        #expect(
            places == [
                "packages.mirrors.debian=http://m.example/debian", "packages.mirrors.registry=m.example:5000",
                "packages.proxy=http://p.example:3128",
            ])
        let overrides = try (["packages.source=debian"] + places).map { try ConfigurationOverride(setting: $0) }
        let loaded = try ConfigurationLoader.load(file: nil, environment: [:], overrides: overrides).configuration
        #expect(loaded.packages == configuration.packages)
    }

    @Test func theQuestionIsShellAndAnswersHere() async throws {
        let words = MachineSupplies.question(base: "pgaf/none:1", image: "$(touch /nowhere)")
        let result = try await SubprocessRunner().run(Command(words[0], Array(words.dropFirst())))
        #expect(result.succeeded, "\(result.standardError)")
        let supplies = MachineSupplies(result.standardOutput)
        #expect(!supplies.architecture.isEmpty && !supplies.release.distribution.isEmpty && supplies.images == nil)
    }

    @Test func theIndexIsWhatAptReads() {
        let index = PackageIndex.text([
            .init(
                control: "Package: a\nVersion: 1:2\n", file: PackageIndex.fileName("a_1%3a2_all.deb"), size: 3,
                digest: "d"),
            .init(control: "Package: b\n", file: "b.deb", size: 4, digest: "e"),
        ])
        #expect(
            index == """
                Package: a
                Version: 1:2
                Filename: ./a_1-2_all.deb
                Size: 3
                SHA256: d

                Package: b
                Filename: ./b.deb
                Size: 4
                SHA256: e

                """)
    }
}
