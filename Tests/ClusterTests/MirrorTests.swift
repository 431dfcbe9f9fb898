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
            ("other-signature", "good", "packages.failed", "is damaged, or not signed by the key"),
            ("expired", "expired", "packages.failed", "The key of docker from"),
            ("other-suite", "good", "packages.failed", "does not give the suite trixie"),
            ("other-architecture", "good", "packages.failed", "has no docker-ce, docker-ce-cli"),
            ("tampered", "good", "packages.failed", "The packages docker-ce, "),
            ("nowhere", "good", "packages.archive-unreachable", "could not be fetched"),
        ]

        @Test func whatIsWrongWithAMirrorIsToldAndLeavesTheMachineAsItWas() async throws {
            try await ThrowawayMachine.prepareBaseImage()
            try await TestMirror.run { mirror in
                #expect(Set(Self.broken.map(\.0)).isSuperset(of: TestRepositories.broken))
                for (name, key, code, words) in Self.broken {
                    try await ThrowawayMachine.run { machine in
                        let before = try await machine.traces()
                        var settings = mirror.settings()
                        settings["packages.mirrors.docker"] = mirror.address("\(name)/docker")
                        settings["packages.keys.docker"] = mirror.fingerprints[key]
                        let result = try await machine.agent(["prepare"], settings)
                        #expect(result.status == 69, "\(name): \(result.standardError)")
                        #expect(result.standardError.contains("code: \(code)"), "\(name): \(result.standardError)")
                        #expect(result.standardError.contains(words), "\(name): \(result.standardError)")
                        let after = try await machine.traces()
                        if name == "tampered" {
                            // The repositories are in order; not one of its packages was installed.
                            #expect(after.contains("docker.list") && !after.contains("/docker\n"), "\(after)")
                        } else {
                            #expect(after == before, "\(name)")
                        }
                    }
                }
            }
        }

        /// Each on a machine of its own, at once: most of it is waiting for mirrors.
        @Test func mirrorsThatAreSlowSilentAwayOrBehindAProxy() async throws {
            try await ThrowawayMachine.prepareBaseImage()
            try await TestMirror.run { mirror in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await aMirrorThatIsSilentOrAwayIsGivenUp(mirror) }
                    group.addTask { try await aSlowMirrorIsWaitedFor(mirror) }
                    group.addTask { try await aRegistryThatIsAwayOrLacksTheImageIsToldFirst(mirror) }
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
                #expect(try await machine.traces() == before)
            }
        }

        /// The repository for the image is proven before the machine gets its own.
        private func aMirrorThatIsSilentOrAwayIsGivenUp(_ mirror: TestMirror) async throws {
            let listener = ListeningPort(on: .any)
            // At once, each on a machine of its own: nearly all of it is waiting.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for port in [listener.number, ListeningPort.free()] {
                    var settings = mirror.settings()
                    settings["packages.mirrors.pgdg_archive"] = "http://\(mirror.host):\(port)/archive"
                    group.addTask { [settings] in
                        try await ThrowawayMachine.run { try await givesUp($0, settings) }
                    }
                }
                try await group.waitForAll()
            }
            withExtendedLifetime(listener) {}
        }

        private func givesUp(_ machine: ThrowawayMachine, _ settings: [String: String]) async throws {
            let before = try await machine.traces()
            let result = try await machine.agent(["prepare"], settings)
            #expect(result.status == 69, "\(result.standardError)")
            #expect(result.standardError.contains("code: packages.archive-unreachable"))
            #expect(result.standardError.contains("packages.mirrors.pgdg_archive"))
            #expect(try await machine.traces() == before)
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

        /// Everything through the proxy, which alone knows the mirrors' name; the machine and the image then have it all.
        private func aMachineGetsDockerAndTheImageFromMirrorsBehindAProxy(_ mirror: TestMirror) async throws {
            try await ThrowawayMachine.run { machine in
                var settings = mirror.settings(base: "http://mirror.invalid/good")
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
                for path in [
                    "/good/docker/linux/debian/gpg", "/good/archive/dists/focal-pgdg-archive/InRelease",
                    "/good/archive/pool/postgresql-16_1.0_all.deb",
                ] { #expect(mirror.requests.contains("http://mirror.invalid\(path)"), "\(path)") }
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
