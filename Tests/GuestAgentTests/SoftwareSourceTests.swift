import Shared
import Testing

@testable import GuestAgent

@Suite struct SoftwareSourceTests {
    @Test(arguments: [
        ("trixie", "https://apt.postgresql.org/pub/repos/apt trixie-pgdg main"),
        ("bookworm", "https://apt.postgresql.org/pub/repos/apt bookworm-pgdg main"),
        ("focal", "https://apt-archive.postgresql.org/pub/repos/apt focal-pgdg-archive main"),
    ])
    func pgdg(_ codename: String, _ place: String) {
        let repository = SoftwareSource.pgdg(codename)
        #expect(repository.sourcesLine == "deb [signed-by=/etc/apt/keyrings/pgdg.asc] \(place)")
        #expect(repository.sourcesFile == "/etc/apt/sources.list.d/pgdg.list")
        #expect(repository.fingerprint == "B97B0AFCAA1A47F044F244A07FCB7D46ACCC4CF8")
    }

    @Test(arguments: [("debian", "trixie"), ("ubuntu", "focal")])
    func docker(_ distribution: String, _ codename: String) {
        let repository = SoftwareSource.docker(distribution: distribution, codename: codename)
        #expect(
            repository.sourcesLine == "deb [signed-by=/etc/apt/keyrings/docker.asc]"
                + " https://download.docker.com/linux/\(distribution) \(codename) stable")
        #expect(repository.keyURL == "https://download.docker.com/linux/\(distribution)/gpg")
        #expect(repository.fingerprint == "9DC858229FC7DD38854AE2D88D81803C0EBFCD88")
    }

    @Test func mirrorsStandForTheirUpstreamsAndKeepTheirKeys() {
        var packages = PackageSettings()
        packages[.docker] = "http://m/docker-ce"
        packages[.pgdg] = "http://m/pgdg"
        packages[.pgdgArchive] = "http://m/old"
        let docker = SoftwareSource.docker(distribution: "debian", codename: "trixie", packages)
        #expect(docker.sourcesLine.hasSuffix("] http://m/docker-ce/linux/debian trixie stable"))
        #expect(docker.keyURL == "http://m/docker-ce/linux/debian/gpg")
        #expect(docker.fingerprint == "9DC858229FC7DD38854AE2D88D81803C0EBFCD88")
        let (new, old) = (SoftwareSource.pgdg("trixie", packages), SoftwareSource.pgdg("focal", packages))
        #expect(new.sourcesLine.hasSuffix("] http://m/pgdg trixie-pgdg main"))
        #expect(new.keyURL == "http://m/pgdg/ACCC4CF8.asc" && new.mirrorKey == "packages.mirrors.pgdg")
        #expect(old.sourcesLine.hasSuffix("] http://m/old focal-pgdg-archive main"))
        #expect(old.keyURL == "http://m/old/ACCC4CF8.asc" && old.mirrorKey == "packages.mirrors.pgdg_archive")
        packages[.pgdgKey] = "b97b" + String(repeating: "0", count: 36)
        #expect(SoftwareSource.pgdg("focal", packages).fingerprint.hasPrefix("B97B0000"))
        #expect(SoftwareSource.pgdg("focal", packages).sourcesText != old.sourcesText)
    }

    /// Of what PGDG retires later than pgaf was written the configuration tells.
    @Test func thePlaceOfPGDGsArchiveMeansItsSuitesForEveryRelease() {
        var packages = PackageSettings()
        let archive = "https://apt-archive.postgresql.org/pub/repos/apt"
        packages[.pgdg] = archive
        let retired = SoftwareSource.pgdg("bookworm", packages)
        #expect(retired.sourcesLine.hasSuffix("] \(archive) bookworm-pgdg-archive main"))
        #expect(retired.keyURL == SoftwareSource.pgdg("bookworm").keyURL && retired.retirement == nil)
        #expect(SoftwareSource.pgdg("focal", packages) == SoftwareSource.pgdg("focal"))
        packages[.pgdgArchive] = "http://m/old"
        let mirrored = SoftwareSource.pgdg("bookworm", packages)
        #expect(mirrored.sourcesLine.hasSuffix("] http://m/old bookworm-pgdg-archive main"))
        #expect(SoftwareSource.pgdg("bookworm").retirement?.contains("packages.mirrors.pgdg to \(archive),") == true)
        // Nothing of it makes another image of what is there.
        var configuration = Configuration()
        configuration.image.base = "debian:bookworm"
        let hash = TestMachine.topology(configuration, source: .pgdg).imageHash(baseIdentifier: "sha256:1")
        configuration.packages[.pgdg] = archive
        #expect(TestMachine.topology(configuration, source: .pgdg).imageHash(baseIdentifier: "sha256:1") == hash)
    }

    @Test func theDebianArchiveNeedsNoOther() {
        #expect(TestMachine.topology().repositories.isEmpty)
        let pgdg = TestMachine.topology(source: .pgdg)
        #expect(pgdg.machineRepositories.map(\.name) == ["docker", "pgdg"])
        #expect(pgdg.repositories.map(\.suite) == ["trixie", "trixie-pgdg", "focal-pgdg-archive"])
        #expect(SoftwareSource.pgdg.dockerPackages(distribution: "debian", codename: "trixie").first == "docker-ce")
        #expect(SoftwareSource.debian.psqlPackage(version: 17) == "postgresql-client")
        #expect(SoftwareSource.pgdg.psqlPackage(version: 16) == "postgresql-client-16")
    }

    /// Where it is no package of its own, Docker's client is in that of the engine.
    @Test(arguments: [
        ("debian", "bookworm", false), ("debian", "trixie", true), ("ubuntu", "jammy", false),
        ("ubuntu", "noble", false),
    ])
    func dockersClientIsAPackageOfItsOwnSinceDebian13(_ distribution: String, _ codename: String, _ isOwn: Bool) {
        let packages = SoftwareSource.debian.dockerPackages(distribution: distribution, codename: codename)
        #expect(packages == (isOwn ? ["docker.io", "docker-cli"] : ["docker.io"]))
    }

    @Test func theBaseImageBelongsToTheSource() {
        #expect(TestMachine.topology().baseImage == "pgaf/base:trixie" && TestMachine.topology().makesBaseImage)
        let pgdg = TestMachine.topology(source: .pgdg)
        #expect(pgdg.baseImage == "ubuntu:focal" && !pgdg.makesBaseImage)
        var own = Configuration()
        own.image.base = "debian@sha256:00"
        #expect(TestMachine.topology(own).baseImage == "debian@sha256:00")
        #expect(!TestMachine.topology(own).makesBaseImage)
    }
}
