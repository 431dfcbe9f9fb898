import FoundationEssentials
import Shared
import Testing

@Suite struct ImageReferenceTests {
    private static let digest = "sha256:" + String(repeating: "0a", count: 32)

    @Test(arguments: [
        ("ubuntu:focal", "m:5000/library/ubuntu:focal", "ubuntu:focal"),
        ("debian", "m:5000/library/debian", "debian"),
        ("team/app:1", "m:5000/team/app:1", "team/app:1"),
        ("quay.example/team/app:1", "quay.example/team/app:1", "quay.example/team/app:1"),
        ("localhost/app", "localhost/app", "localhost/app"), ("r:5000/app:1", "r:5000/app:1", "r:5000/app:1"),
        (
            "ubuntu@\(digest)", "m:5000/library/ubuntu@\(digest)",
            "pgaf/base:sha256-\(String(repeating: "0a", count: 32))"
        ),
        ("r.example/app@\(digest)", "r.example/app@\(digest)", "r.example/app@\(digest)"),
    ])
    func throughAMirror(_ text: String, _ pulled: String, _ local: String) {
        let reference = ImageReference(text, mirror: "m:5000")
        #expect(reference.pulled == pulled && reference.local == local)
        let plain = ImageReference(text)
        #expect(plain.pulled == text && plain.local == text)
    }

    @Test(
        arguments: [
            ("ubuntu:focal", nil, "registry-1.docker.io", "library/ubuntu", "focal"),
            ("debian", nil, "registry-1.docker.io", "library/debian", "latest"),
            ("team/app:1", nil, "registry-1.docker.io", "team/app", "1"),
            ("docker.io/ubuntu:focal", nil, "registry-1.docker.io", "library/ubuntu", "focal"),
            ("index.docker.io/team/app", nil, "registry-1.docker.io", "team/app", "latest"),
            ("ubuntu:focal@\(digest)", nil, "registry-1.docker.io", "library/ubuntu", digest),
            ("r.example:5000/app", nil, "r.example:5000", "app", "latest"),
            ("r.example:5000/team/app:1@\(digest)", nil, "r.example:5000", "team/app", digest),
            ("localhost/app:1", "m:5000", "localhost", "app", "1"),
            ("ubuntu:focal", "m:5000", "m:5000", "library/ubuntu", "focal"),
            ("team/app@\(digest)", "m.example/hub", "m.example", "hub/team/app", digest),
        ] as [(String, String?, String, String, String)])
    func howItsRegistryIsAsked(
        _ text: String, _ mirror: String?, _ registry: String, _ repository: String, _ version: String
    ) {
        let reference = ImageReference(text, mirror: mirror)
        #expect(reference.registry == registry && reference.repository == repository)
        #expect(reference.version == version)
    }

    /// Its names stay those of the configuration; what is pulled, and what builds stand on, goes by the digest alone.
    @Test(
        arguments: [
            ("ubuntu:focal", nil, "ubuntu:focal@\(digest)"),
            ("ubuntu:focal", "m:5000", "m:5000/library/ubuntu:focal@\(digest)"),
            ("r.example:5000/debian", "m:5000", "r.example:5000/debian@\(digest)"),
        ] as [(String, String?, String)])
    func aTagThatIsRemembered(_ text: String, _ mirror: String?, _ pulled: String) {
        let reference = ImageReference(text, mirror: mirror, remembered: Self.digest)
        #expect(reference.isRemembered && reference.pulled == pulled && reference.version == Self.digest)
        #expect(reference.local == "pgaf/base:sha256-\(String(repeating: "0a", count: 32))")
        let plain = ImageReference(text, mirror: mirror)
        #expect(!plain.isRemembered && plain.text == reference.text && plain.codename == reference.codename)
        #expect(plain.registry == reference.registry && plain.repository == reference.repository)
    }

    @Test func aDigestInTheConfigurationGoesBeforeOneThatIsRemembered() {
        let other = "sha256:" + String(repeating: "1", count: 64)
        let reference = ImageReference("ubuntu@\(Self.digest)", mirror: "m:5000", remembered: other)
        #expect(reference == ImageReference("ubuntu@\(Self.digest)", mirror: "m:5000") && !reference.isRemembered)
    }

    /// An image may have other digests in other registries.
    @Test(
        arguments: [
            ("ubuntu:focal", nil, "ubuntu"), ("docker.io/ubuntu:focal", nil, "ubuntu"),
            ("ubuntu:focal", nil, "docker.io/library/ubuntu"), ("ubuntu:focal", "m:5000", "m:5000/library/ubuntu"),
            ("r.example/team/app", "m:5000", "r.example/team/app"),
        ] as [(String, String?, String)])
    func theDigestIsThatOfTheRegistryFromWhichItComes(_ text: String, _ mirror: String?, _ name: String) {
        let reference = ImageReference(text, mirror: mirror)
        let others = ["other", "m:5000/ubuntu", "m:5001/library/ubuntu", "r.example/app"].map {
            "\($0)@sha256:\(String(repeating: "1", count: 64))"
        }
        #expect(reference.registryDigest(among: others + ["\(name)@\(Self.digest)"]) == Self.digest)
        #expect(reference.registryDigest(among: others) == nil && reference.registryDigest(among: []) == nil)
    }

    private static let names: [(String, String?)] = [
        ("ubuntu:focal", "focal"), ("debian:bookworm-slim", "bookworm"), ("r:5000/debian:trixie", "trixie"),
        ("ubuntu:22.04", nil), ("debian", nil), ("r:5000/debian", nil), ("debian:latest", nil),
        ("debian:trixie@\(digest)", nil),
    ]

    @Test(arguments: names)
    func theReleaseByWhichTheTagGoes(_ text: String, _ codename: String?) {
        #expect(ImageReference(text).codename == codename)
    }
}

@Suite struct PackageSettingsTests {
    @Test(arguments: [
        "packages.mirrors.docker=https://me:s3cret@mirror.example", "packages.proxy=http://me:s3cret@proxy.example:1",
        "packages.mirrors.registry=me:s3cret@mirror.example",
    ])
    func aPasswordInAnAddressIsRefusedAndNotShown(_ setting: String) throws {
        let override = try ConfigurationOverride(setting: setting)
        let error = try #require(failure { try load("", overrides: [override]) })
        #expect(error.code == .configurationInvalid && !error.description.contains("s3cret"), "\(error)")
        #expect(error.message.contains("\(override.key) must be "))
    }

    @Test func whatIsWrongOtherwiseIsShown() throws {
        let error = try #require(failure { try load("packages: {proxy: 'proxy.example:3128'}") })
        #expect(error.message.contains("packages.proxy is \"proxy.example:3128\""), "\(error)")
    }

    @Test func theMemoryOfEarlierReleasesIsRead() throws {
        let decoded = try JSONDecoder().decode(PackageSettings.self, from: Data(#"{"source":"pgdg"}"#.utf8))
        #expect(decoded.source == .pgdg && PackageSettings.Place.allCases.allSatisfy { decoded[$0] == nil })
        var full = decoded
        full[.debian] = "http://m"
        full[.dockerKey] = "A"
        full[.proxy] = "http://p"
        #expect(try JSONDecoder().decode(PackageSettings.self, from: try JSONEncoder().encode(full)) == full)
    }
}
