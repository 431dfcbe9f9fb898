import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite {
    /// `packages.source: pgdg` with real apt and real keys on a machine of its own, against repositories of the tests' own.
    @Suite(.serialized) struct MirrorTests {
        /// What is wrong, which key is pinned for it, the code, and words of the sentence.
        private static let broken = [
            ("other-key", "good", "packages.failed", "is not the one that belongs to docker"),
            ("two-keys", "good", "packages.failed", "is not the one that belongs to docker"),
            ("other-signature", "good", "packages.failed", "is damaged, expired, or not signed by the key"),
            ("expired", "expired", "packages.failed", "The key of docker from"),
            ("other-suite", "good", "packages.failed", "does not give the suite trixie"),
            ("other-architecture", "good", "packages.failed", "has no docker-ce, docker-ce-cli"),
            ("tampered", "good", "packages.failed", "postgresql-client-16 could not be fetched whole"),
            ("nowhere", "good", "packages.archive-unreachable", "could not be fetched"),
        ]

        /// The same for mirrors of the Debian archive: what is wrong, what the machine has in the place of Debian's own
        /// keys where it is not them, and words of the sentence. That of the last is good, and it has other packages.
        private static let brokenArchives: [(String, String?, String)] = [
            ("good", nil, "is damaged, expired, or not signed by Debian's own keys"),
            ("stale", "good", "is damaged, expired, or not signed by Debian's own keys"),
            ("good", "good", "has no postgresql-17, postgresql-17-auto-failover"),
        ]

        /// Each on a machine of its own, at once.
        @Test func whatIsWrongWithAMirrorIsToldAndLeavesTheMachineAsItWas() async throws {
            try await ThrowawayMachine.prepareBaseImage()
            try await TestMirror.run { mirror in
                #expect(Set(Self.broken.map(\.0)).isSuperset(of: TestRepositories.broken))
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (name, key, code, words) in Self.broken {
                        var settings = mirror.settings()
                        settings["packages.mirrors.docker"] = mirror.address("\(name)/docker")
                        settings["packages.keys.docker"] = mirror.fingerprints[key]
                        group.addTask { [settings] in
                            try await ThrowawayMachine.run { try await refused(settings, code, words, on: $0) }
                        }
                    }
                    for (name, key, words) in Self.brokenArchives {
                        group.addTask {
                            try await ThrowawayMachine.run { machine in
                                if let key { try await takeForDebians(key, of: mirror, on: machine) }
                                let settings = [
                                    "packages.source": "debian",
                                    "packages.mirrors.debian": mirror.address("\(name)/debian"),
                                ]
                                try await refused(settings, "packages.failed", words, on: machine)
                            }
                        }
                    }
                    group.addTask { try await aCertificateCountsOnceTheMachineTrustsIt(mirror) }
                    try await group.waitForAll()
                }
            }
        }

        /// Puts one of the mirror's keys in the place of those by which the machine knows the Debian archive.
        private func takeForDebians(_ key: String, of mirror: TestMirror, on machine: ThrowawayMachine) async throws {
            let script =
                "/usr/lib/apt/apt-helper download-file \"$1\" /tmp/key.asc && gpg --dearmor </tmp/key.asc >\"$2\""
            let address = mirror.address("\(key)/docker/linux/debian/gpg")
            let result = try await machine.run(["sh", "-c", script, "take", address, BaseSystem.keyring])
            #expect(result.succeeded, "\(result.standardError)")
        }

        /// `prepare` with these settings ends with this code and these words, and the machine is as it was.
        private func refused(
            _ settings: [String: String], _ code: String, _ words: String, on machine: ThrowawayMachine
        ) async throws {
            let before = try await machine.traces()
            let result = try await machine.agent(["prepare"], settings)
            #expect(result.status == 69, "\(words): \(result.standardError)")
            #expect(result.standardError.contains("code: \(code)"), "\(words): \(result.standardError)")
            #expect(result.standardError.contains(words), "\(words): \(result.standardError)")
            let after = try await machine.traces()
            #expect(after == before, "\(words)")
        }

        /// Over TLS, without the authority and with it; and that such a mirror leads nobody to plain HTTP.
        private func aCertificateCountsOnceTheMachineTrustsIt(_ mirror: TestMirror) async throws {
            try await ThrowawayMachine.run { machine in
                var settings = mirror.settings()
                settings["packages.mirrors.docker"] = mirror.secureAddress("good/docker")
                let key = mirror.secureAddress("good/docker/linux/debian/gpg")
                let distrust = "The machine does not trust the certificate behind \(key)."
                try await refused(settings, "packages.failed", distrust, on: machine)
                #expect(!mirror.requests.contains(key))
                try await trust(mirror, on: machine)
                // Key and lists are taken now: it is the next one that does not have what is needed.
                settings["packages.mirrors.pgdg"] = mirror.address("good/archive")
                try await refused(settings, "packages.failed", "does not give the suite trixie-pgdg", on: machine)
                #expect(mirror.requests.contains(key))
                settings["packages.mirrors.docker"] = mirror.secureAddress("downgrade/docker")
                try await refused(settings, "packages.failed", "leads away from TLS", on: machine)
            }
        }

        /// Puts the authority of the mirror's certificate among those of the machine.
        private func trust(_ mirror: TestMirror, on machine: ThrowawayMachine) async throws {
            let script = "echo \"$1\" >/usr/local/share/ca-certificates/test.crt && update-ca-certificates"
            let result = try await machine.run(["sh", "-c", script, "trust", mirror.authority])
            #expect(result.succeeded, "\(result.standardError)")
        }

        /// Each on a machine of its own, at once: most of it is waiting.
        @Test func mirrorsThatAreSlowSilentAwayOrBehindAProxy() async throws {
            try await ThrowawayMachine.prepareBaseImage()
            try await TestMirror.run { mirror in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await aMirrorThatIsSilentOrAwayIsGivenUp(mirror) }
                    group.addTask { try await aSlowMirrorIsWaitedFor(mirror) }
                    group.addTask { try await aRegistryThatIsAwayOrLacksTheImageIsToldFirst(mirror) }
                    group.addTask { try await anotherAptIsWaitedFor(mirror) }
                    group.addTask { try await autoChoosesByWhatAnswersAndSaysWhy(mirror) }
                    group.addTask { try await aMachineGetsDockerAndTheImageFromMirrorsBehindAProxy(mirror) }
                    try await group.waitForAll()
                }
            }
        }

        /// Before Docker is there to pull from it.
        private func aRegistryThatIsAwayOrLacksTheImageIsToldFirst(_ mirror: TestMirror) async throws {
            try await ThrowawayMachine.run { machine in
                let before = try await machine.traces()
                var settings = mirror.settings()
                settings["packages.mirrors.registry"] = "127.0.0.1:\(ListeningPort.free())"
                settings["image.base"] = "no-such-image:trixie"
                let result = try await machine.agent(["prepare"], settings)
                #expect(result.status == 69 && result.standardError.contains("code: packages.archive-unreachable"))
                #expect(result.standardError.contains("The registry 127.0.0.1:"), "\(result.standardError)")
                settings["packages.mirrors.registry"] = mirror.registry.address
                let lacking = try await machine.agent(["prepare"], settings)
                #expect(lacking.status == 69 && lacking.standardError.contains("code: packages.failed"))
                let words = "The registry \(mirror.registry.address) has no base image library/no-such-image, trixie"
                #expect(lacking.standardError.contains(words), "\(lacking.standardError)")
                // One that only the proxy knows.
                settings["packages.mirrors.registry"] = "mirror.invalid"
                settings["packages.proxy"] = "http://\(mirror.host):\(mirror.port)"
                let untrusted = "The registry mirror.invalid of the base image speaks no TLS that the machine trusts"
                try await refused(settings, "packages.failed", untrusted, on: machine)
                try await trust(mirror, on: machine)
                let proxied = try await machine.agent(["prepare"], settings)
                let image = "The registry mirror.invalid has no base image library/no-such-image, trixie"
                #expect(proxied.status == 69 && proxied.standardError.contains(image), "\(proxied.standardError)")
                #expect(mirror.requests.contains("https://mirror.invalid/v2/library/no-such-image/manifests/trixie"))
                #expect(try await machine.traces() == before)
            }
        }

        /// As after a boot, when the machine's own updates have the lists; then it goes on to what is wrong with a mirror.
        private func anotherAptIsWaitedFor(_ mirror: TestMirror) async throws {
            try await ThrowawayMachine.run { machine in
                var settings = mirror.settings()
                settings["packages.mirrors.docker"] = mirror.address("tampered/docker")
                let result = try await machine.agentWithoutLists(["prepare", "--json"], settings)
                #expect(result.status == 69, "\(result.standardOutput)\(result.standardError)")
                for words in ["waiting for another apt on the machine to end", "could not be fetched whole"] {
                    #expect(result.standardOutput.contains(words), "\(result.standardOutput)")
                }
            }
        }

        /// The repository for the image is proven before the machine gets its own.
        private func aMirrorThatIsSilentOrAwayIsGivenUp(_ mirror: TestMirror) async throws {
            let listener = ListeningPort(on: .any)
            // At once, each on a machine of its own: nearly all of it is waiting.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for port in [listener.number, ListeningPort.free()] {
                    var settings = mirror.settings()
                    let place = "packages.mirrors.pgdg_archive"
                    settings[place] = "http://\(mirror.host):\(port)/archive"
                    group.addTask { [settings] in
                        try await ThrowawayMachine.run {
                            try await refused(settings, "packages.archive-unreachable", place, on: $0)
                        }
                    }
                }
                try await group.waitForAll()
            }
            withExtendedLifetime(listener) {}
        }

        private func autoChoosesByWhatAnswersAndSaysWhy(_ mirror: TestMirror) async throws {
            try await ThrowawayMachine.run { machine in
                var settings = mirror.settings()
                settings["packages.source"] = "auto"
                // A slow one is good enough.
                settings["packages.mirrors.pgdg"] = mirror.address("good/pgdg", slow: true)
                let slow = try await machine.agent(["plan"], settings)
                #expect(slow.status == 2, "\(slow.standardOutput)\(slow.standardError)")
                #expect(slow.standardOutput.contains("packages.source auto has chosen pgdg: http://\(mirror.host)"))
                #expect(slow.standardOutput.contains("install docker-ce, "))
                let listener = ListeningPort(on: .any)
                let silent = "http://\(mirror.host):\(listener.number)/pgdg"
                settings["packages.mirrors.pgdg"] = silent
                let plan = try await machine.agent(["plan"], settings)
                withExtendedLifetime(listener) {}
                #expect(
                    plan.standardOutput.contains(
                        "packages.source auto has chosen debian: \(silent) with the suite trixie-pgdg does not answer"
                    ),
                    "\(plan.standardOutput)\(plan.standardError)")
                #expect(plan.standardOutput.contains("install docker.io, docker-cli"))
            }
        }

        /// The lists of the slow one are fetched and checked; then the next has no packages for Ubuntu 20.04.
        private func aSlowMirrorIsWaitedFor(_ mirror: TestMirror) async throws {
            try await ThrowawayMachine.run { machine in
                let before = try await machine.traces()
                var settings = mirror.settings()
                settings["packages.mirrors.pgdg"] = mirror.address("good/pgdg", slow: true)
                settings["packages.mirrors.pgdg_archive"] = mirror.address("good/pgdg")
                let result = try await machine.agent(["prepare"], settings)
                #expect(
                    result.standardError.contains("does not give the suite focal-pgdg-archive"),
                    "\(result.standardError)")
                #expect(try await machine.traces() == before)
            }
        }

        /// Everything through the proxy, which alone knows the mirrors' name, Docker's over TLS from end to end; the machine
        /// and the image then have it all.
        private func aMachineGetsDockerAndTheImageFromMirrorsBehindAProxy(_ mirror: TestMirror) async throws {
            try await ThrowawayMachine.run { machine in
                try await trust(mirror, on: machine)
                var settings = mirror.settings(base: "http://mirror.invalid/good")
                settings["packages.mirrors.docker"] = "https://mirror.invalid/good/docker"
                settings["packages.proxy"] = "http://\(mirror.host):\(mirror.port)"
                settings["image.name"] = "pgaf-test/proxied"
                let result = try await machine.agent(["prepare"], settings)
                #expect(result.succeeded, "\(result.standardError)")
                let installed = try await machine.run([
                    "dpkg-query", "--show", "--showformat", "${Package} ${Version}\n", "docker-ce", "docker-ce-cli",
                    "containerd.io", "docker-compose-plugin", "docker-buildx-plugin",
                ])
                #expect(installed.standardOutput.split(separator: "\n").allSatisfy { $0.hasSuffix(" 1.0") })
                #expect(installed.succeeded, "\(installed.standardError)")
                // psql comes from the machine's own PGDG repository.
                let client = try await machine.run(["apt-cache", "policy", "postgresql-client-16"])
                #expect(client.standardOutput.contains("http://mirror.invalid/good/pgdg trixie-pgdg/main"))
                let docker = "https://mirror.invalid/good/docker/linux/debian"
                for request in [
                    "CONNECT mirror.invalid:443", "\(docker)/gpg", "\(docker)/dists/trixie/InRelease",
                    "\(docker)/pool/docker-ce_1.0_all.deb",
                    // psql's are there before anything is installed.
                    "http://mirror.invalid/good/pgdg/pool/postgresql-client-16_1.0_all.deb",
                    "http://mirror.invalid/good/archive/dists/focal-pgdg-archive/InRelease",
                    "http://mirror.invalid/good/archive/pool/postgresql-16_1.0_all.deb",
                ] { #expect(mirror.requests.contains(request), "\(request)") }
                let image = try await machine.run([
                    "docker", "run", "--rm", "--entrypoint", "sh", "pgaf-test/proxied:latest", "-c",
                    "pg_autoctl --version && env && cat /etc/apt/apt.conf.d/*",
                ])
                #expect(image.succeeded && image.standardOutput.contains("pg_autoctl version"), "\(image)")
                #expect(!image.standardOutput.contains("\(mirror.host):\(mirror.port)"))
                let history = try await machine.run([
                    "docker", "history", "--no-trunc", "pgaf-test/proxied:latest",
                ])
                #expect(history.succeeded && !history.standardOutput.contains("\(mirror.host):\(mirror.port)"))
                // A second time there is nothing to do.
                let again = try await machine.agent(["prepare", "--json"], settings)
                let steps = try PgafProject.events(again.standardOutput)
                #expect(again.succeeded && PgafProject.changedSteps(steps).isEmpty)
                _ = try await machine.run(["docker", "image", "rm", "pgaf-test/proxied:latest"])
            }
        }
    }
}
