import Shared
import Testing

@testable import GuestAgent

@Suite struct ImageFilesTests {
    private static let debian = #"""
        FROM pgaf/base:trixie
        ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8 LC_ALL=C.UTF-8
        RUN apt-get update \
         && apt-get install -y --no-install-recommends postgresql-common \
         && sed -ri 's/^#?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf \
         && apt-get install -y --no-install-recommends postgresql-17 postgresql-client-17 postgresql-17-auto-failover pg-auto-failover-cli gosu openssl postgresql-17-pglogical \
         && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
        RUN sed -i '1i include_if_exists /etc/pgaf/pg_hba.conf' /usr/share/postgresql/17/pg_hba.conf.sample \
         && sed -i '1i include_if_exists /etc/pgaf/pg_ident.conf' /usr/share/postgresql/17/pg_ident.conf.sample \
         && echo "include_if_exists = '/etc/pgaf/postgresql.conf'" >> /usr/share/postgresql/17/postgresql.conf.sample \
         && mkdir -p /var/lib/pgaf \
         && chown postgres:postgres /var/lib/pgaf
        ENV PATH=/usr/lib/postgresql/17/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            PG_USER=postgres PG_GROUP=postgres PGDATA=/var/lib/pgaf/data \
            XDG_DATA_HOME=/var/lib/pgaf/share XDG_CONFIG_HOME=/var/lib/pgaf/config \
            PGPASSFILE=/run/pgaf/pgpass
        COPY entrypoint.sh /usr/local/bin/pgaf-entrypoint
        RUN chmod 0755 /usr/local/bin/pgaf-entrypoint
        WORKDIR /var/lib/pgaf
        ENTRYPOINT ["/usr/local/bin/pgaf-entrypoint"]
        CMD ["pg_autoctl", "run"]

        """#

    @Test func theWholeDockerfileFromTheDebianArchive() {
        let files = TestMachine.topology().imageFiles()
        #expect(files.dockerfile == Self.debian)
        #expect(files.extra.isEmpty)
    }

    @Test func theWholeDockerfileFromPGDG() {
        let files = TestMachine.topology(source: .pgdg).imageFiles((SoftwareSource.pgdg("focal"), "KEY"))
        let head = #"""
            FROM ubuntu:focal
            ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8 LC_ALL=C.UTF-8
            RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
            COPY pgdg.asc /etc/apt/keyrings/pgdg.asc
            COPY pgdg.list /etc/apt/sources.list.d/pgdg.list

            """#
        let rest = Self.debian.split(separator: "\n", omittingEmptySubsequences: false).dropFirst(2)
            .joined(separator: "\n").split(separator: "17", omittingEmptySubsequences: false).joined(separator: "16")
        #expect(files.dockerfile == head + rest)
        #expect(
            files.extra == [
                "pgdg.asc": "KEY",
                "pgdg.list": "deb [signed-by=/etc/apt/keyrings/pgdg.asc] "
                    + "https://apt-archive.postgresql.org/pub/repos/apt focal-pgdg-archive main\n",
            ])
    }

    @Test func theEntrypointLeavesNoTraceOfADeadPredecessor() {
        let script = TestMachine.topology().imageFiles().entrypoint
        #expect(script.hasPrefix("#!/bin/bash\n"))
        #expect(script.contains("rm -rf /tmp/pg_autoctl\nrm -f \"$data/postmaster.pid\"\n"))
        #expect(script.hasSuffix("exec gosu \"$user\" \"$@\"\n"))
    }

    @Test func theEntrypointIsAShellScript() async throws {
        let script = TestMachine.topology().imageFiles().entrypoint
        let result = try await SubprocessRunner().run(Command("bash", ["-n"], input: Secret(script)))
        #expect(result == CommandResult())
    }

    @Test func theHashFollowsEveryInput() {
        let files = TestMachine.topology().imageFiles()
        var others = [files.hash(baseIdentifier: "sha256:2")]
        for change: (inout ImageFiles) -> Void in [
            { $0.dockerfile += "#" }, { $0.entrypoint += "#" }, { $0.extra["a"] = "b" },
        ] {
            var changed = files
            change(&changed)
            others.append(changed.hash(baseIdentifier: "sha256:1"))
        }
        let before = files.hash(baseIdentifier: "sha256:1")
        #expect(before == TestMachine.topology().imageFiles().hash(baseIdentifier: "sha256:1"))
        #expect(Set(others + [before]).count == 5)
    }
}

/// Where packages come from may change without another image, and so without other containers.
@Suite struct ImageHashTests {
    private func hash(
        _ source: SoftwareSource, base: String? = nil, identifier: String = "sha256:1",
        _ change: (inout PackageSettings) -> Void = { _ in }
    ) -> String {
        var configuration = Configuration()
        configuration.image.base = base
        change(&configuration.packages)
        return TestMachine.topology(configuration, source: source).imageHash(baseIdentifier: identifier)
    }

    @Test func fromTheDebianArchiveItIsThatOfTheFiles() {
        let files = TestMachine.topology().imageFiles()
        #expect(hash(.debian) == files.hash(baseIdentifier: "sha256:1"))
    }

    private static let bases: [String?] = [nil, "ubuntu:focal", "debian@sha256:\(String(repeating: "0", count: 64))"]

    @Test(arguments: [SoftwareSource.debian, .pgdg], bases)
    func noMirrorKeyOrProxyChangesIt(_ source: SoftwareSource, _ base: String?) {
        let other = hash(source, base: base) {
            $0[.docker] = "http://m/docker"
            $0[.pgdg] = "http://m/pgdg"
            $0[.pgdgArchive] = "http://m/old"
            $0[.debian] = "http://m/debian"
            $0[.registry] = "m:5000"
            $0[.pgdgKey] = String(repeating: "0", count: 40)
            $0[.proxy] = "http://p:1"
        }
        #expect(other == hash(source, base: base))
    }

    @Test func baseAndSourceChangeIt() {
        let all = [
            hash(.debian), hash(.pgdg), hash(.pgdg, base: "ubuntu:jammy"), hash(.pgdg, identifier: "sha256:2"),
        ]
        #expect(Set(all).count == all.count)
    }

    @Test func aMirrorOfDebianReplacesTheArchiveThatTheBaseImageWasMadeFrom() {
        var configuration = Configuration()
        configuration.packages[.debian] = "http://m/debian"
        let files = TestMachine.topology(configuration).imageFiles()
        #expect(files.extra == ["debian.list": BaseSystem.source("http://m/debian", "trixie") + "\n"])
        let plain = TestMachine.topology().imageFiles()
        let lines = files.dockerfile.split(separator: "\n").filter { $0 != "COPY debian.list /etc/apt/sources.list" }
        #expect(lines == plain.dockerfile.split(separator: "\n") && files.dockerfile != plain.dockerfile)
        configuration.image.base = "debian:trixie"
        #expect(TestMachine.topology(configuration).imageFiles().extra.isEmpty)
    }
}

@Suite struct ContentHashTests {
    @Test func isSHA256() {
        // printf '' | sha256sum; printf '3:abc0:' | sha256sum
        #expect(
            ContentHash.of([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            ContentHash.of(["abc", ""]) == "bdf1004d3099a7a3712d12c456e15ebb2b81d43740868f77760be8f639855aad")
    }

    @Test func partsDoNotRunIntoEachOther() {
        let lists: [[String]] = [
            [], [""], ["", ""], ["ab"], ["a", "b"], ["b", "a"], ["1:a"], ["1:", "a"], ["a1:b"],
        ]
        #expect(Set(lists.map { ContentHash.of($0) }).count == lists.count)
    }
}
