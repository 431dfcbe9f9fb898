import Shared
import Synchronization
import Testing

@testable import GuestAgent

/// The registry of the base image.
extension RepositoriesStepTests {
    @Test func aRegistryThatDoesNotAnswerIsToldBeforeAnythingIsAdded() async throws {
        let context = context { $0[.registry] = "registry.example:5000" }
        let changes = try await step.inspect(context)
        #expect(changes.map(\.description).contains("use registry.example:5000 for the base image"))
        let asked = Mutex<[String]>([])
        machine.runner.on("/usr/lib/apt/apt-helper") { command in
            asked.withLock { $0.append(command.arguments[command.arguments.count - 2]) }
            return CommandResult(status: 100, standardError: "E: Could not connect to registry.example\n")
        }
        let error = await #expect(throws: PgafError.self) { try await step.apply(changes, context) }
        #expect(error?.code == .archiveUnreachable && error?.message.contains("registry.example:5000") == true)
        #expect(error?.remedy.contains("packages.mirrors.registry") == true)
        #expect(asked.withLock { $0 } == ["https://registry.example:5000/v2/"])
        #expect(machine.files.list("/etc/apt/sources.list.d") == ["x"] && machine.files.list("/run") == ["x"])
    }

    @Test func theRegistryOfABaseImageOfOnesOwnIsAskedForTheSourceDebianToo() async throws {
        var configuration = Configuration()
        configuration.image.base = "registry.example/own:trixie"
        let changes = try await step.inspect(machine.context(TestMachine.topology(configuration)))
        #expect(changes.map(\.description) == ["use registry.example for the base image"])
    }

    /// Plain HTTP and a certificate of somebody's own, in the words of apt 2.6 and 3.0.
    private static let distrust = [
        "E: Failed to fetch https://registry.example:5000/v2/  Could not handshake: An unexpected TLS packet was"
            + " received. [IP: 192.0.2.1 5000]",
        "E: Failed to fetch https://registry.example:5000/v2/  Certificate verification failed: The certificate is NOT"
            + " trusted.  Could not handshake: Error in the certificate verification. [IP: 192.0.2.1 5000]",
        "E: SSL connection failed: error:0A00010B:SSL routines::wrong version number / Success",
        "E: SSL connection failed: error:0A000086:SSL routines::certificate verify failed / Success",
    ]

    @Test(arguments: distrust)
    func aRegistryThatDockerWouldNotTrustIsToldBeforeAnythingIsAdded(_ words: String) async throws {
        let context = context { $0[.registry] = "registry.example:5000" }
        let changes = try await step.inspect(context)
        let probe = RegistryProbe(context.topology, machine.runner, machine.files)
        machine.runner.on("/usr/lib/apt/apt-helper", status: 100, error: words + "\n")
        let error = await #expect(throws: PgafError.self) { try await step.apply(changes, context) }
        #expect(error?.code == .packagesFailed && error?.output == [words])
        #expect(error?.message.contains("registry.example:5000 of the base image speaks no TLS that") == true)
        for remedy in ["/etc/docker/certs.d/registry.example:5000/ca.crt", "insecure-registries"] {
            #expect(error?.remedy.contains(remedy) == true)
        }
        #expect(machine.files.list("/etc/apt/sources.list.d") == ["x"] && machine.files.list("/run") == ["x"])
        // What Docker has been told, an engine that is installed will do.
        try machine.place("/etc/docker/daemon.json", #"{"insecure-registries": ["registry.example:5000"]}"#)
        try await probe.prove()
        try machine.place("/etc/docker/daemon.json", "{}")
        await #expect(throws: PgafError.self) { try await probe.prove() }
        try machine.place("/etc/docker/certs.d/registry.example:5000/ca.crt")
        try await probe.prove()
    }

    /// As the engine that pgaf installs will ask it.
    @Test(arguments: [("registry.example:5000", true), ("127.0.0.1:5000", false), ("localhost:5000", false)])
    func theRegistryIsAskedThroughTheProxyButForOneOnLoopback(_ registry: String, _ isProxied: Bool) async throws {
        let context = context {
            $0[.registry] = registry
            $0[.proxy] = "http://p:1"
        }
        try await RegistryProbe(context.topology, machine.runner, machine.files).prove()
        #expect(machine.runner.lines.count == 2)
        for line in machine.runner.lines { #expect(line.contains("Acquire::https::Proxy=http://p:1") == isProxied) }
    }

    /// What apt's helper says of a registry's answer to the question for the image; nothing of what it could fetch.
    private func answer(_ status: String?) async throws -> (error: PgafError?, asked: [Command]) {
        let context = context { $0[.registry] = "registry.example:5000/hub" }
        let changes = try await step.inspect(context)
        let files = machine.files
        let asked = Mutex<[Command]>([])
        machine.runner.on("/usr/lib/apt/apt-helper") { command in
            let address = command.arguments[command.arguments.count - 2]
            if address.contains("/v2/") { asked.withLock { $0.append(command) } }
            if let status, address.contains("/manifests/") {
                return CommandResult(
                    status: 100,
                    standardError: "E: Failed to fetch \(address)  \(status) [IP: 192.0.2.1 5000]\n"
                        + "E: Download Failed\n")
            }
            try files.write(address, to: command.arguments.last ?? "")
            return CommandResult()
        }
        do {
            try await step.apply(changes, context)
            return (nil, asked.withLock { $0 })
        } catch let error as PgafError {
            return (error, asked.withLock { $0 })
        }
    }

    @Test func anImageThatTheRegistryDoesNotHaveIsToldBeforeAnythingIsAdded() async throws {
        let (error, asked) = try await answer("404  Not Found")
        #expect(error?.code == .packagesFailed)
        #expect(
            error?.message == "The registry registry.example:5000 has no base image hub/library/ubuntu, focal.")
        for words in ["image.base", "ubuntu:focal", "packages.mirrors.registry"] {
            #expect(error?.remedy.contains(words) == true)
        }
        #expect(
            asked.map { $0.arguments[$0.arguments.count - 2] } == [
                "https://registry.example:5000/v2/",
                "https://registry.example:5000/v2/hub/library/ubuntu/manifests/focal",
            ])
        #expect(asked.map { command in command.arguments.contains { $0.contains("Accept: ") } } == [false, true])
        let header = asked.last?.arguments.first { $0.contains("Accept: ") } ?? ""
        #expect(["manifest.list.v2+json", "image.index.v1+json"].allSatisfy(header.contains))
        #expect(machine.files.list("/etc/apt/sources.list.d") == ["x"] && machine.files.list("/run") == ["x"])
    }

    /// That it wants a token, or anything else, is for Docker to say.
    @Test(arguments: [nil, "401  Unauthorized", "403  Forbidden", "429  Too Many Requests", "500  Oops"])
    func anyOtherAnswerIsNoObstacle(_ status: String?) async throws {
        let (error, asked) = try await answer(status)
        #expect(error == nil && asked.count == 2, "\(String(describing: error))")
        #expect(machine.files.list("/etc/apt/sources.list.d") == ["docker.list", "pgdg.list", "x"])
        #expect(machine.files.list("/run") == ["x"])
    }
}
